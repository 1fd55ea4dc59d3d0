"""What `make` runs: sets up Python, starts the services and the app, plays the demo. Not imported by the app."""
