# Everything is done by the Python package stack/: see stack/commands.py. Needs Python 3.11+ and nothing else.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; exit; }; \
	done; echo python3)

.PHONY: help bench chaos demo up test check proofs fuzz hubspot-app

help:
	@echo "make demo    play the whole story against a sandbox HubSpot and LearnUpon"
	@echo "make up      run everything until Ctrl-C, on data that stays"
	@echo "make test    run the tests (ARGS='-k word' goes to pytest)"
	@echo "make check   lint, types, migrations, deploy checks, documents, tests with coverage (SKIP=part,part)"
	@echo "make proofs  push 20,000 rows within HubSpot's limits; count what large jobs cost LearnUpon; erase 1,000 under load"
	@echo "make fuzz    send 10,000 odd and hostile requests to every address for programs (SEED=n)"
	@echo "make bench   measure speed; figures go to var/bench.json (PART=part,part, SIZE=large)"
	@echo "make hubspot-app  write the files of hubspot-app/ that follow from the code"
	@echo "make chaos   break everything under load, then check that nothing was lost (SIZE=small|large, SEED=n, RATES=on)"

demo up test proofs fuzz bench chaos hubspot-app:
	@$(PYTHON) -m stack $@

check:
	@$(PYTHON) -m stack $@ --skip=$(SKIP)
