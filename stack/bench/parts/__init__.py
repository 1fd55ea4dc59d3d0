"""What is measured, one module a part: `measure` runs it on a running stack."""
