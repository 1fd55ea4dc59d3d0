"""Odd and hostile requests at every address of the OpenAPI document, rightly and wrongly signed: `make fuzz`."""
