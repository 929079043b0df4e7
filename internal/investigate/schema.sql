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
	invoked_by   TEXT
);
