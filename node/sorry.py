"""The refusal that ends a command."""


class Sorry(Exception):
    """Something was refused; the text is the one line why."""
