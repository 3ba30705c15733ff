"""`miccheck` as it must not be: it answers before the post is on the disk.

    python -m tests.crash.careless run HOME

The one thing changed is the store's `synchronous`. If the power-loss harness finds nothing wrong with this
node, it would find nothing wrong with any.
"""

from __future__ import annotations

from node.cli import main
from sync.store import Store

if __name__ == "__main__":
    defaults = vars(Store)["open"].__func__.__kwdefaults__
    assert defaults == {"synchronous": "FULL"}
    defaults["synchronous"] = "NORMAL"
    main()
