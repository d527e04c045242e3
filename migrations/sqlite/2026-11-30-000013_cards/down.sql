DROP TRIGGER cards_end;
DROP TRIGGER cards_end_tagged;
DROP TRIGGER cards_end_moved;
DROP TRIGGER cards_end_untagged;
DROP TABLE cards;
