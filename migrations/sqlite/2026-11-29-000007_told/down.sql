DROP TABLE servers;
DROP TABLE webhook_tags;
ALTER TABLE changes DROP COLUMN former_language;
