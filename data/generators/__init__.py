"""Makers of problems whose answers are checked: templates, what they draw from, and the checkers that replay them."""
