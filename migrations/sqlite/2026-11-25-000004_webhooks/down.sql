DROP TABLE websub;
DROP TABLE deliveries;
DROP TABLE webhooks;
