DROP INDEX changes_of_tags;
