"""How Django writes dates where a template does not say: in the operators' admin."""
