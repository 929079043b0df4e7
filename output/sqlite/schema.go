package sqlite

// schemaVersion is the user_version of the databases that this package writes.
const schemaVersion = 1

// applicationID marks the file as one of Trailbeat's: the letters TRBT.
const applicationID = 0x54524254

// pageSize packs about three documents of common size into a page. The 4 KiB that are SQLite's default would waste a
// third of the file on them.
const pageSize = 8192

// The typed columns stand apart from the documents, so that queries over them stay in pages that hold nothing else.
// source_address is null where it is the same as source_ip, as it nearly always is. actor names who acted where that was
// no user, and is null otherwise: so each row is in one of two indexes, and principal is indexed for the price of user.
//
// The view looks up the document in subqueries, as SQLite leaves out a subquery that nobody asks for. It leaves out a join
// too, but not in a query with GROUP BY.
//
// Rows of documents and event_columns with the same seq belong together. An _id that is null is never a duplicate.
const schema = `
CREATE TABLE data_streams (
	key  INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
);
CREATE TABLE documents (
	seq         INTEGER PRIMARY KEY,
	data_stream INTEGER NOT NULL REFERENCES data_streams (key),
	id          TEXT,
	document    TEXT NOT NULL,
	UNIQUE (data_stream, id)
);
CREATE TABLE event_columns (
	seq               INTEGER PRIMARY KEY REFERENCES documents (seq),
	data_stream       INTEGER NOT NULL REFERENCES data_streams (key),
	time              TEXT,
	action            TEXT,
	provider          TEXT,
	category          TEXT,
	outcome           TEXT,
	actor             TEXT,
	user              TEXT,
	user_id           TEXT,
	user_type         TEXT,
	user_arn          TEXT,
	source_ip         TEXT,
	source_address    TEXT,
	country           TEXT,
	city              TEXT,
	account           TEXT,
	region            TEXT,
	recipient_account TEXT,
	error_code        TEXT,
	error_message     TEXT,
	user_agent        TEXT,
	read_only         INTEGER,
	event_id          TEXT
);
CREATE INDEX event_columns_time ON event_columns (time);
CREATE INDEX event_columns_action ON event_columns (action);
CREATE INDEX event_columns_user ON event_columns (user) WHERE user IS NOT NULL;
CREATE INDEX event_columns_actor ON event_columns (actor) WHERE actor IS NOT NULL;
CREATE INDEX event_columns_error_code ON event_columns (error_code) WHERE error_code IS NOT NULL;
CREATE VIEW events AS
SELECT
	c.time, c.action, c.provider, c.category, c.outcome,
	coalesce(c.user, c.actor) AS principal, c.user, c.user_id, c.user_type, c.user_arn,
	c.source_ip, coalesce(c.source_address, c.source_ip) AS source_address, c.country, c.city,
	c.account, c.region, c.recipient_account,
	c.error_code, c.error_message, c.user_agent, c.read_only, c.event_id,
	(SELECT json_extract(document, '$.aws.cloudtrail.resources') FROM documents WHERE seq = c.seq) AS resources,
	(SELECT json_extract(document, '$.aws.cloudtrail.request_parameters') FROM documents WHERE seq = c.seq) AS request_parameters,
	(SELECT json_extract(document, '$.aws.cloudtrail.response_elements') FROM documents WHERE seq = c.seq) AS response_elements,
	(SELECT name FROM data_streams WHERE key = c.data_stream) AS data_stream,
	(SELECT id FROM documents WHERE seq = c.seq) AS id,
	(SELECT document FROM documents WHERE seq = c.seq) AS document
FROM event_columns c;
`

const (
	insertStream   = `INSERT INTO data_streams (name) VALUES (?) ON CONFLICT DO UPDATE SET name = name RETURNING key`
	insertDocument = `INSERT INTO documents (data_stream, id, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
	insertColumns  = `INSERT INTO event_columns (seq, data_stream, time, action, provider, category, outcome, actor, user, user_id,
		user_type, user_arn, source_ip, source_address, country, city, account, region, recipient_account, error_code, error_message,
		user_agent, event_id, read_only) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)
