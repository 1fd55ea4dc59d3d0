"""The one exception whose text is meant for the person who typed `make`."""


class StackError(Exception):
    """Something to be told in plain words, without a traceback; the command ends with exit code 1."""
