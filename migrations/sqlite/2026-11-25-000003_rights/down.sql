DROP INDEX articles_withheld;
DROP TABLE key_usage;
DROP TABLE key_rights;
