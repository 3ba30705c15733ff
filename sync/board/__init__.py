"""The board: what people of a camp may do, and what becomes of it (`sync.actions` are the orders)."""

from sync.board.board import Board
from sync.board.room import BoardLimits, CampSettings, Publisher

__all__ = ["Board", "BoardLimits", "CampSettings", "Publisher"]
