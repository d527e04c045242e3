-- By which line a tag ended, and in which other one: the log of a tag by its id. The lines of articles, which are most of
-- the log, are not in it.
CREATE INDEX changes_of_tags ON changes (id) WHERE kind = 'tag';
