"""Tests of the SDK. From sdk/python: `python3 -m unittest` or `pytest`."""
