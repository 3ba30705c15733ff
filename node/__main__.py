"""`python -m node` is `miccheck`."""

from node.cli import main

if __name__ == "__main__":
    main()
