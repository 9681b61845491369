"""Faults on real processes, and the judgement of their effects.

Users follow books, traders send orders whose names are unique, a tape keeps every packet that ever was; then parts are
killed, frozen and cut off. `final_history` and `order_verdict` say whether an acknowledged order was lost or done
twice, `outcry.load.verdict` whether a book is wrong. Pure here; what awaits is in `aio`.
"""
