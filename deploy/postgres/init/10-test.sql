-- A second database, for tests against this server. Run once, when the folder of the data is new.
CREATE DATABASE test;
