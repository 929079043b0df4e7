CREATE TABLE IF NOT EXISTS investigate_names (
	key  INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS investigate_facts (
	seq          INTEGER PRIMARY KEY, -- of event_columns and documents
	time         TEXT,
	who          INTEGER, -- investigate_names.key: the role, the user or the service that acted
	action       INTEGER, -- investigate_names.key: SERVICE:ACTION
	target       INTEGER, -- investigate_names.key: what was acted on
	failed       INTEGER NOT NULL, -- 1: there is an error code
	category     TEXT,
	access_key   TEXT,
	session      TEXT, -- the ARN of the caller, with the name of its session
	role         TEXT, -- the ARN of the role that the caller has taken
	target_role  TEXT, -- the ARN of the role that is to be taken
	issued_key   TEXT, -- the access key that the answer holds
	new_session  TEXT, -- the ARN of the session that begins
	shared_event TEXT,
	mfa          INTEGER, -- 1: with a second factor, 0: without
	invoked_by   TEXT,
	error_code   TEXT,
	failed_from  TEXT -- source_ip, where it failed
);
-- Sums by hour, so that questions about all events read some thousand rows.
CREATE TABLE IF NOT EXISTS investigate_hours (
	hour    TEXT NOT NULL, -- 2026-11-20T08
	who     INTEGER NOT NULL, -- 0: nobody
	account TEXT NOT NULL, -- recipient_account; empty: none
	region  TEXT NOT NULL,
	calls   INTEGER NOT NULL,
	failed  INTEGER NOT NULL,
	first   TEXT NOT NULL,
	last    TEXT NOT NULL,
	PRIMARY KEY (hour, who, account, region)
) WITHOUT ROWID;
