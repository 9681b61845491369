#!/bin/sh
# The ledger's users, made once when PostgreSQL's folder is new: the image runs what is in /docker-entrypoint-initdb.d.
# ledger_writer may insert records, ledger_reader may read; `outcry ledger migrate` grants it to them. The owner makes
# the tables, and no service logs in as the owner.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v writer="$(cat /run/secrets/postgres_writer_password)" -v reader="$(cat /run/secrets/postgres_reader_password)" <<'SQL'
CREATE ROLE ledger_writer LOGIN PASSWORD :'writer';
CREATE ROLE ledger_reader LOGIN PASSWORD :'reader';
REVOKE ALL ON DATABASE ledger FROM PUBLIC;
GRANT CONNECT ON DATABASE ledger TO ledger_writer, ledger_reader;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
SQL
