DROP TABLE partner_lines;
