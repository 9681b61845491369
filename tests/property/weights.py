"""Choices of unequal weight, and lists that are as long as they are said to be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st


def weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Return one of the strategies, so many times in all; `one_of` takes one that is named twice for one."""
    return st.sampled_from([strategy for weight, strategy in choices for _ in range(weight)]).flatmap(_itself)


def of_any_length(strategy: st.SearchStrategy[Any], most: int, least: int = 0) -> st.SearchStrategy[list[Any]]:
    """Return lists whose lengths are spread evenly; of themselves they have some five entries."""
    return st.integers(least, most).flatmap(lambda length: st.lists(strategy, min_size=length, max_size=length))


def _itself(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return strategy
