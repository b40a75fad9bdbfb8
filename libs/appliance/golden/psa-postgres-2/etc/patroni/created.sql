-- Rendered from appliance.yaml by psactl; what is changed here is lost.
create database psa_platform;
\connect psa_platform
create role pgbouncer login password '<postgres_pgbouncer>';
create schema pgbouncer;
grant usage on schema pgbouncer to pgbouncer;
create function pgbouncer.user_lookup(in wanted text, out uname text, out phash text)
  returns record language sql stable security definer set search_path = pg_catalog
  as $$ select usename::text, passwd::text from pg_shadow where usename = wanted $$;
revoke all on function pgbouncer.user_lookup(text) from public;
grant execute on function pgbouncer.user_lookup(text) to pgbouncer;
