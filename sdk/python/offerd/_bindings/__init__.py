"""Made by tools/bindings.py from the contract. Do not edit."""
