-- What the lab's personnel database holds. Written once, when the database is made; passwords here are public.
CREATE ROLE chancery LOGIN PASSWORD 'Hr-Db-Pw-1';
CREATE DATABASE hr;
CREATE DATABASE devices OWNER chancery;
\connect hr
CREATE TABLE employee (
  account text PRIMARY KEY,
  number integer NOT NULL,
  title text,
  salary numeric(10, 2),
  hired date,
  seen timestamptz,
  active boolean NOT NULL,
  badge bytea
);
CREATE TABLE role (account text NOT NULL, role text NOT NULL);
INSERT INTO employee VALUES
  ('alice', 42, 'Director', 9000.50, '2019-03-01', '2026-01-05 11:00:00+01', true, '\x00ff10'),
  ('bob', 7, NULL, NULL, NULL, NULL, false, NULL),
  ('o''hara', 8, 'Poet', 1, '2020-02-29', NULL, true, NULL);
INSERT INTO role VALUES ('alice', 'approver'), ('alice', 'auditor'), ('bob', 'builder');
CREATE FUNCTION roles_of(who text) RETURNS SETOF text LANGUAGE sql STABLE
  AS 'SELECT role FROM role WHERE account = who ORDER BY role';
GRANT SELECT, INSERT ON employee, role TO chancery;
