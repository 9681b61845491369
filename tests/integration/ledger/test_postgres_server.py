"""The tests' PostgreSQL is a real one, and comes back with what it had committed after kill -9."""

from __future__ import annotations

import psycopg

from tests.real_postgres import RealPostgres, postgres_folder


def test_each_test_has_an_empty_database(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
        assert connection.info.server_version >= 150_000


def test_a_killed_server_comes_back_with_what_was_committed() -> None:
    folder = postgres_folder()
    assert folder is not None
    server = RealPostgres(folder)
    try:
        server.start()
        url = server.url()
        server.execute("CREATE TABLE t AS SELECT 1 AS n")
        server.kill()
        server.start()
        assert server.url() == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT n FROM t").fetchone() == (1,)
    finally:
        server.remove()
