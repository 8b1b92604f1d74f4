-- An empty database, up to 0018_learned_models
CREATE TABLE IF NOT EXISTS "tortoise_migrations" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "app" VARCHAR(255) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "applied_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_tortoise_mi_app_3803a5" UNIQUE ("app", "name")
);
CREATE TABLE "installs" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "restore_epoch" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "installs" IS 'This database: its id and how often it was restored.';
CREATE TABLE "workspaces" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_workspaces_name_c2329f" UNIQUE ("name")
);
COMMENT ON TABLE "workspaces" IS 'A group of people with their accounts and bots.';
CREATE TABLE "users" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX "users_by_email" ON "users" ("workspace_id", "email");
COMMENT ON TABLE "users" IS 'Personal data of a person, the only table that holds any.';
CREATE TABLE "members" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" SMALLINT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_members_workspa_db1040" UNIQUE ("workspace_id", "user_id"),
    CONSTRAINT "uid_members_workspa_0ceb46" UNIQUE ("workspace_id", "name")
);
COMMENT ON TABLE "members" IS 'A person''s place in a workspace.';
CREATE TABLE "tokens" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "role" SMALLINT NOT NULL,
    "secret_hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ,
    "revoked_at" TIMESTAMPTZ,
    CONSTRAINT "uid_tokens_secret__8f3079" UNIQUE ("secret_hash")
);
CREATE INDEX "tokens_by_created_at" ON "tokens" ("workspace_id", "created_at");
COMMENT ON TABLE "tokens" IS 'An API token, only the SHA-256 of its secret is kept.';
CREATE TABLE "accounts" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "venue" TEXT NOT NULL,
    "is_live" BOOL NOT NULL,
    "currency" TEXT NOT NULL,
    "capital" NUMERIC NOT NULL,
    "trading_state" TEXT NOT NULL,
    "state_reason" TEXT NOT NULL,
    "settings" JSON NOT NULL,
    "version" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_accounts_workspa_632c03" UNIQUE ("workspace_id", "name")
);
COMMENT ON TABLE "accounts" IS 'Money at one venue.';
CREATE TABLE "account_status" (
    "account_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "as_of" TIMESTAMPTZ NOT NULL,
    "cash" NUMERIC NOT NULL,
    "equity" NUMERIC NOT NULL,
    "peak_equity" NUMERIC NOT NULL,
    "day_start_equity" NUMERIC NOT NULL,
    "drawdown" DOUBLE PRECISION NOT NULL,
    "day_change" DOUBLE PRECISION NOT NULL,
    "open_positions" BIGINT NOT NULL,
    "max_positions" BIGINT NOT NULL,
    "open_risk" NUMERIC NOT NULL,
    "trading_state" TEXT NOT NULL
);
CREATE INDEX "account_status_by_account_id" ON "account_status" ("workspace_id", "account_id");
COMMENT ON TABLE "account_status" IS 'An account as of its last closed bar.';
CREATE TABLE "equity_points" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "equity" NUMERIC NOT NULL,
    CONSTRAINT "uid_equity_poin_account_feeea7" UNIQUE ("account_id", "at")
);
COMMENT ON TABLE "equity_points" IS 'Equity at the close of a bar.';
CREATE TABLE "account_snapshots" (
    "account_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "bar_ms" BIGINT NOT NULL,
    "data" BYTEA NOT NULL,
    "saved_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX "account_snapshots_by_account_id" ON "account_snapshots" ("workspace_id", "account_id");
COMMENT ON TABLE "account_snapshots" IS 'Engine state, it only makes a start faster.';
CREATE TABLE "locks" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "until" TIMESTAMPTZ NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "released_at" TIMESTAMPTZ
);
CREATE INDEX "locks_by_account_id_until" ON "locks" ("account_id", "until");
COMMENT ON TABLE "locks" IS 'Entries refused for a pair until a time.';
CREATE TABLE "bots" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "strategy" TEXT NOT NULL,
    "pairs" JSON NOT NULL,
    "timeframe" TEXT NOT NULL,
    "parameters" JSON NOT NULL,
    "allocation" DOUBLE PRECISION NOT NULL,
    "desired" TEXT NOT NULL,
    "condition" TEXT NOT NULL,
    "condition_reason" TEXT NOT NULL,
    "resume_at" TIMESTAMPTZ,
    "last_bar_at" TIMESTAMPTZ,
    "version" BIGINT NOT NULL,
    "config_version" BIGINT NOT NULL,
    "is_live" BOOL NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "archived_at" TIMESTAMPTZ
);
CREATE INDEX "bots_by_created_at" ON "bots" ("workspace_id", "created_at");
CREATE INDEX "bots_by_account_id" ON "bots" ("account_id");
COMMENT ON TABLE "bots" IS 'A strategy with pairs, parameters and an allocation. Its account holds the trading state.';
CREATE TABLE "bot_phases" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "phase" TEXT NOT NULL,
    "since" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_bot_phases_bot_id_7048fd" UNIQUE ("bot_id", "pair")
);
COMMENT ON TABLE "bot_phases" IS 'Where a bot stands with one pair.';
CREATE TABLE "bot_state_history" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "bot_id" TEXT NOT NULL,
    "axis" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "before" TEXT NOT NULL,
    "after" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "actor" TEXT NOT NULL
);
CREATE INDEX "bot_state_history_by_bot_id_at_id" ON "bot_state_history" ("workspace_id", "bot_id", "at", "id");
COMMENT ON TABLE "bot_state_history" IS 'A move of one of the four axes, with its cause.';
CREATE TABLE "config_versions" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "version" BIGINT NOT NULL,
    "parameters" JSON NOT NULL,
    "author" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_config_vers_bot_id_c16959" UNIQUE ("bot_id", "version")
);
COMMENT ON TABLE "config_versions" IS 'An immutable configuration of a bot.';
CREATE TABLE "candle_series" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "venue" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "timeframe" TEXT NOT NULL,
    CONSTRAINT "uid_candle_seri_venue_e6e04c" UNIQUE ("venue", "pair", "timeframe")
);
COMMENT ON TABLE "candle_series" IS 'A venue, a pair and a timeframe.';
CREATE TABLE "candles" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "series_id" BIGINT NOT NULL,
    "ts_ms" BIGINT NOT NULL,
    "open" DOUBLE PRECISION NOT NULL,
    "high" DOUBLE PRECISION NOT NULL,
    "low" DOUBLE PRECISION NOT NULL,
    "close" DOUBLE PRECISION NOT NULL,
    "volume" DOUBLE PRECISION NOT NULL,
    "flags" SMALLINT NOT NULL,
    CONSTRAINT "uid_candles_series__514488" UNIQUE ("series_id", "ts_ms")
);
COMMENT ON TABLE "candles" IS 'A closed bar.';
CREATE TABLE "signals" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "bar_at" TIMESTAMPTZ NOT NULL,
    "direction" SMALLINT NOT NULL,
    "tag" TEXT NOT NULL,
    "price" NUMERIC NOT NULL,
    "stop" NUMERIC,
    "targets" JSON NOT NULL,
    "score" DOUBLE PRECISION NOT NULL,
    "conditions" JSON NOT NULL,
    "sizing" JSON NOT NULL,
    "checks" JSON NOT NULL,
    "outcome" TEXT NOT NULL,
    "reason" TEXT NOT NULL
);
CREATE INDEX "signals_by_bar_at_id" ON "signals" ("workspace_id", "bar_at", "id");
CREATE INDEX "signals_by_bot_id_bar_at" ON "signals" ("bot_id", "bar_at");
COMMENT ON TABLE "signals" IS 'A signal with its conditions, its sizing and its risk checks.';
CREATE TABLE "order_intents" (
    "order_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "client_order_id" TEXT NOT NULL,
    "idempotency_key" TEXT NOT NULL,
    "request" JSON NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_order_inten_client__129676" UNIQUE ("client_order_id"),
    CONSTRAINT "uid_order_inten_workspa_0e091c" UNIQUE ("workspace_id", "idempotency_key")
);
COMMENT ON TABLE "order_intents" IS 'What was committed before anything was sent, never changed.';
CREATE TABLE "orders" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "client_order_id" TEXT NOT NULL,
    "venue_order_id" TEXT NOT NULL,
    "side" TEXT NOT NULL,
    "order_type" TEXT NOT NULL,
    "quantity" NUMERIC NOT NULL,
    "price" NUMERIC,
    "stop_price" NUMERIC,
    "filled_quantity" NUMERIC NOT NULL,
    "average_price" NUMERIC,
    "state" TEXT NOT NULL,
    "state_reason" TEXT NOT NULL,
    "evidence" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "leg" SMALLINT NOT NULL,
    "binding" TEXT NOT NULL,
    "signal_id" TEXT NOT NULL,
    "position_id" TEXT NOT NULL,
    "is_reduce_only" BOOL NOT NULL,
    "attempts" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_orders_client__40a511" UNIQUE ("client_order_id")
);
CREATE INDEX "orders_by_created_at_id" ON "orders" ("workspace_id", "created_at", "id");
CREATE INDEX "orders_by_bot_id_created_at" ON "orders" ("bot_id", "created_at");
CREATE INDEX "orders_by_position_id" ON "orders" ("position_id");
COMMENT ON TABLE "orders" IS 'An order with its state.';
CREATE TABLE "order_events" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "order_id" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "before" TEXT NOT NULL,
    "after" TEXT NOT NULL,
    "evidence" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    CONSTRAINT "uid_order_event_order_i_f29a14" UNIQUE ("order_id", "sequence")
);
COMMENT ON TABLE "order_events" IS 'A step of an order with its evidence, append-only.';
CREATE TABLE "fills" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "order_id" TEXT NOT NULL,
    "position_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "venue_trade_id" TEXT NOT NULL,
    "side" TEXT NOT NULL,
    "price" NUMERIC NOT NULL,
    "quantity" NUMERIC NOT NULL,
    "fee" NUMERIC NOT NULL,
    "liquidity" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "leg" SMALLINT NOT NULL,
    "source" TEXT NOT NULL,
    "filled_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_fills_account_65616f" UNIQUE ("account_id", "venue_trade_id")
);
CREATE INDEX "fills_by_filled_at_id" ON "fills" ("workspace_id", "filled_at", "id");
CREATE INDEX "fills_by_order_id" ON "fills" ("order_id");
CREATE INDEX "fills_by_position_id" ON "fills" ("position_id");
CREATE INDEX "fills_by_bot_id_filled_at" ON "fills" ("bot_id", "filled_at");
COMMENT ON TABLE "fills" IS 'An execution, the only thing that moves positions.';
CREATE TABLE "positions" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "is_long" BOOL NOT NULL,
    "quantity" NUMERIC NOT NULL,
    "entry_quantity" NUMERIC NOT NULL,
    "entry_price" NUMERIC NOT NULL,
    "mark_price" NUMERIC NOT NULL,
    "stop" NUMERIC,
    "initial_stop" NUMERIC,
    "legs" JSON NOT NULL,
    "trail_ratio" DOUBLE PRECISION,
    "realized_pnl" NUMERIC NOT NULL,
    "unrealized_pnl" NUMERIC NOT NULL,
    "fees" NUMERIC NOT NULL,
    "signal_id" TEXT NOT NULL,
    "tag" TEXT NOT NULL,
    "opened_at" TIMESTAMPTZ NOT NULL,
    "closed_at" TIMESTAMPTZ,
    "as_of" TIMESTAMPTZ NOT NULL
);
CREATE INDEX "positions_by_opened_at_id" ON "positions" ("workspace_id", "opened_at", "id");
CREATE INDEX "positions_by_bot_id_opened_at" ON "positions" ("bot_id", "opened_at");
COMMENT ON TABLE "positions" IS 'An open or closed position.';
CREATE TABLE "trades" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "number" BIGINT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "position_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "is_long" BOOL NOT NULL,
    "quantity" NUMERIC NOT NULL,
    "entry_price" NUMERIC NOT NULL,
    "exit_price" NUMERIC NOT NULL,
    "pnl" NUMERIC NOT NULL,
    "pnl_ratio" DOUBLE PRECISION NOT NULL,
    "fees" NUMERIC NOT NULL,
    "reason" TEXT NOT NULL,
    "tag" TEXT NOT NULL,
    "exit_tag" TEXT NOT NULL,
    "bars" BIGINT NOT NULL,
    "signal_id" TEXT NOT NULL,
    "opened_at" TIMESTAMPTZ NOT NULL,
    "closed_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_trades_workspa_e445f6" UNIQUE ("workspace_id", "number")
);
CREATE INDEX "trades_by_closed_at_id" ON "trades" ("workspace_id", "closed_at", "id");
CREATE INDEX "trades_by_bot_id_closed_at" ON "trades" ("bot_id", "closed_at");
CREATE INDEX "trades_by_position_id" ON "trades" ("position_id");
COMMENT ON TABLE "trades" IS 'A finished round trip, net of all costs.';
CREATE TABLE "trade_events" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "position_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "kind" TEXT NOT NULL,
    "detail" JSON NOT NULL
);
CREATE INDEX "trade_events_by_position_id_id" ON "trade_events" ("position_id", "id");
COMMENT ON TABLE "trade_events" IS 'What happened to a position, line by line.';
CREATE TABLE "risk_events" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "rule" TEXT NOT NULL,
    "detail" JSON NOT NULL
);
CREATE INDEX "risk_events_by_at_id" ON "risk_events" ("workspace_id", "at", "id");
COMMENT ON TABLE "risk_events" IS 'A risk rule that spoke.';
CREATE TABLE "bot_metrics" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "day" TIMESTAMPTZ NOT NULL,
    "values" JSON NOT NULL,
    CONSTRAINT "uid_bot_metrics_bot_id_8e0432" UNIQUE ("bot_id", "day")
);
COMMENT ON TABLE "bot_metrics" IS 'A bot''s figures of one day.';
CREATE TABLE "strategy_performance" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "strategy" TEXT NOT NULL,
    "period" TEXT NOT NULL,
    "values" JSON NOT NULL,
    CONSTRAINT "uid_strategy_pe_workspa_3b2de6" UNIQUE ("workspace_id", "strategy", "period")
);
COMMENT ON TABLE "strategy_performance" IS 'A strategy''s figures over a period.';
CREATE TABLE "counters" (
    "workspace_id" TEXT NOT NULL  PRIMARY KEY,
    "journal" BIGINT NOT NULL,
    "trades" BIGINT NOT NULL,
    "audit" BIGINT NOT NULL,
    "audit_head" TEXT NOT NULL
);
COMMENT ON TABLE "counters" IS 'One row per workspace, locked by whoever counts: so nobody waits crosswise.';
CREATE TABLE "event_log" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "occurred_at" TIMESTAMPTZ NOT NULL,
    "recorded_at" TIMESTAMPTZ NOT NULL,
    "payload" JSON NOT NULL,
    CONSTRAINT "uid_event_log_workspa_27fd11" UNIQUE ("workspace_id", "sequence")
);
COMMENT ON TABLE "event_log" IS 'A fact with its place in its workspace''s journal.';
CREATE TABLE "audit" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "actor" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "previous_hash" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    CONSTRAINT "uid_audit_workspa_eb4c9d" UNIQUE ("workspace_id", "sequence")
);
COMMENT ON TABLE "audit" IS 'A line of the audit, chained by hash, append-only.';
CREATE TABLE "alerts" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "params" JSON NOT NULL,
    "dedupe_key" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "acknowledged_by" TEXT NOT NULL,
    "acknowledged_at" TIMESTAMPTZ,
    CONSTRAINT "uid_alerts_workspa_e6a682" UNIQUE ("workspace_id", "dedupe_key")
);
CREATE INDEX "alerts_by_created_at_id" ON "alerts" ("workspace_id", "created_at", "id");
COMMENT ON TABLE "alerts" IS 'Something people should know.';
CREATE TABLE "deliveries" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "alert_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "next_attempt_at" TIMESTAMPTZ,
    "sent_at" TIMESTAMPTZ,
    "error" TEXT NOT NULL
);
CREATE INDEX "deliveries_by_alert_id" ON "deliveries" ("workspace_id", "alert_id");
COMMENT ON TABLE "deliveries" IS 'One alert on its way to one person by one channel.';
CREATE TABLE "outbox" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "dedupe_key" TEXT NOT NULL,
    "delivery_id" TEXT NOT NULL,
    "alert_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "queued_at" TIMESTAMPTZ NOT NULL,
    "available_at" TIMESTAMPTZ NOT NULL,
    "attempts" BIGINT NOT NULL,
    CONSTRAINT "uid_outbox_dedupe__136453" UNIQUE ("dedupe_key"),
    CONSTRAINT "uid_outbox_deliver_d45630" UNIQUE ("delivery_id")
);
CREATE INDEX "outbox_by_channel_recipient_id" ON "outbox" ("channel", "recipient", "id");
COMMENT ON TABLE "outbox" IS 'What must still leave the house, in order. Written in the transaction of the fact.';
CREATE TABLE "inbox" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_inbox_source_f5451b" UNIQUE ("source", "message_id")
);
COMMENT ON TABLE "inbox" IS 'A message that was handled, the same one again does nothing.';
CREATE TABLE "dead_letters" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "payload" JSON NOT NULL,
    "payload_hash" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "trace_id" TEXT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "replayed_at" TIMESTAMPTZ
);
CREATE INDEX "dead_letters_by_created_at_id" ON "dead_letters" ("workspace_id", "created_at", "id");
COMMENT ON TABLE "dead_letters" IS 'A message that could not be handled, with its cause.';
CREATE TABLE "leases" (
    "name" TEXT NOT NULL  PRIMARY KEY,
    "holder" TEXT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "leases" IS 'Who owns what, the epoch counts up at each change of hands.';
CREATE TABLE "idempotency_keys" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "answer" JSON NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_idempotency_workspa_45faab" UNIQUE ("workspace_id", "key")
);
COMMENT ON TABLE "idempotency_keys" IS 'The answer to a request that must have one effect.';
CREATE TABLE "confirmations" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "command_hash" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "used_at" TIMESTAMPTZ,
    CONSTRAINT "uid_confirmatio_workspa_c7d3fa" UNIQUE ("workspace_id", "token_hash")
);
COMMENT ON TABLE "confirmations" IS 'A second tap that is waited for, used once.';
CREATE UNIQUE INDEX bots_name_in_use ON bots (workspace_id, name) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX users_email_in_use ON users (workspace_id, email) WHERE email <> '';
CREATE INDEX positions_open ON positions (workspace_id, account_id) WHERE closed_at IS NULL;
CREATE INDEX orders_unsettled ON orders (workspace_id, account_id) WHERE state IN ('intent', 'claimed', 'accepted', 'partial', 'unknown', 'cancel_pending');
CREATE FUNCTION breakwater_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION breakwater_append_only();
CREATE TRIGGER order_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_events FOR EACH STATEMENT EXECUTE FUNCTION breakwater_append_only();
CREATE TABLE "jobs" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "input" JSON NOT NULL,
    "progress" JSON NOT NULL,
    "result" JSON NOT NULL,
    "error" TEXT NOT NULL,
    "asked_by" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "group_id" TEXT NOT NULL,
    "dedupe_key" TEXT NOT NULL,
    "tries" BIGINT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "holder" TEXT NOT NULL,
    "due_at" TIMESTAMPTZ NOT NULL,
    "lease_until" TIMESTAMPTZ,
    "created_at" TIMESTAMPTZ NOT NULL,
    "started_at" TIMESTAMPTZ,
    "finished_at" TIMESTAMPTZ,
    "cancel_at" TIMESTAMPTZ,
    CONSTRAINT "uid_jobs_workspa_4d333c" UNIQUE ("workspace_id", "dedupe_key")
);
CREATE INDEX "jobs_by_created_at_id" ON "jobs" ("workspace_id", "created_at", "id");
CREATE INDEX "jobs_by_state_due_at" ON "jobs" ("state", "due_at");
CREATE INDEX "jobs_by_group_id" ON "jobs" ("group_id");
COMMENT ON TABLE "jobs" IS 'Work that somebody asked for, from the asking to the result.';
CREATE TABLE "job_files" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "job_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "media_type" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "data" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_job_files_job_id_b6bec9" UNIQUE ("job_id", "name")
);
COMMENT ON TABLE "job_files" IS 'A file that a job left: a report, a picture, a table.';
CREATE TABLE "alert_incidents" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "first_alert_id" TEXT NOT NULL,
    "last_alert_id" TEXT NOT NULL,
    "count" BIGINT NOT NULL,
    "untold" BIGINT NOT NULL,
    "repeats" BIGINT NOT NULL,
    "opened_at" TIMESTAMPTZ NOT NULL,
    "last_at" TIMESTAMPTZ NOT NULL,
    "repeat_at" TIMESTAMPTZ NOT NULL,
    "resolved_at" TIMESTAMPTZ,
    "snoozed_until" TIMESTAMPTZ,
    "acknowledged_by" TEXT NOT NULL,
    CONSTRAINT "uid_alert_incid_workspa_d224f6" UNIQUE ("workspace_id", "key")
);
COMMENT ON TABLE "alert_incidents" IS 'A trouble that lasts, one row per trouble.';
CREATE TABLE "alert_messages" (
    "delivery_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "alert_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "message_ref" TEXT NOT NULL
);
CREATE INDEX "alert_messages_by_alert_id" ON "alert_messages" ("workspace_id", "alert_id");
COMMENT ON TABLE "alert_messages" IS 'The platform''s own id of a message that an alert became.';
CREATE TABLE "alert_rules" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "relation" TEXT NOT NULL,
    "threshold" NUMERIC NOT NULL,
    "is_repeating" BOOL NOT NULL,
    "is_armed" BOOL NOT NULL,
    "seen_ms" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "fired_at" TIMESTAMPTZ
);
CREATE INDEX "alert_rules_by_user_id" ON "alert_rules" ("workspace_id", "user_id");
COMMENT ON TABLE "alert_rules" IS 'Something that one person wants to be told, in numbers.';
CREATE TABLE "alert_escalations" (
    "alert_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "step" BIGINT NOT NULL,
    "due_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX "alert_escalations_by_due_at" ON "alert_escalations" ("workspace_id", "due_at");
COMMENT ON TABLE "alert_escalations" IS 'A critical alert that nobody has seen yet.';
CREATE TABLE "heartbeats" (
    "name" TEXT NOT NULL  PRIMARY KEY,
    "role" TEXT NOT NULL,
    "beat_at" TIMESTAMPTZ NOT NULL,
    "patience_s" BIGINT NOT NULL,
    "stopped_at" TIMESTAMPTZ
);
COMMENT ON TABLE "heartbeats" IS 'A process that says it is alive.';
CREATE TABLE "held_deliveries" (
    "delivery_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "alert_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "release_at" TIMESTAMPTZ NOT NULL,
    "is_digest" BOOL NOT NULL
);
CREATE INDEX "held_deliveries_by_release_at" ON "held_deliveries" ("workspace_id", "release_at");
COMMENT ON TABLE "held_deliveries" IS 'A delivery that waits for the end of quiet hours or for a digest.';
CREATE TABLE "notice_settings" (
    "user_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "settings" JSON NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX "notice_settings_by_user_id" ON "notice_settings" ("workspace_id", "user_id");
COMMENT ON TABLE "notice_settings" IS 'What a person wants to be told, where and when.';
CREATE TABLE "chat_buttons" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "chat_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "line" TEXT NOT NULL,
    "payload" JSON NOT NULL,
    "seal" TEXT NOT NULL,
    "is_single" BOOL NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "used_at" TIMESTAMPTZ,
    "used_by" TEXT NOT NULL,
    CONSTRAINT "uid_chat_button_token_h_4791ea" UNIQUE ("token_hash")
);
CREATE INDEX "chat_buttons_by_expires_at" ON "chat_buttons" ("expires_at");
CREATE INDEX "chat_buttons_by_person" ON "chat_buttons" ("platform", "chat_id", "user_id", "kind");
COMMENT ON TABLE "chat_buttons" IS 'A button under a message, by the SHA-256 of its token.';
CREATE TABLE "chat_places" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "chat_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "bot" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "known_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_chat_places_platfor_83833b" UNIQUE ("platform", "chat_id")
);
COMMENT ON TABLE "chat_places" IS 'A chat that the house knows, with what was chosen there.';
CREATE TABLE "chat_replies" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "chat_id" TEXT NOT NULL,
    "dedupe_key" TEXT NOT NULL,
    "payload" JSON NOT NULL,
    "queued_at" TIMESTAMPTZ NOT NULL,
    "attempts" BIGINT NOT NULL,
    "is_doubtful" BOOL NOT NULL,
    CONSTRAINT "uid_chat_replie_dedupe__add94a" UNIQUE ("dedupe_key")
);
CREATE INDEX "chat_replies_by_source_id" ON "chat_replies" ("source", "id");
COMMENT ON TABLE "chat_replies" IS 'A reply that must still reach its chat.';
CREATE TABLE "chat_updates" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "chat_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "payload" JSON NOT NULL,
    "received_at" TIMESTAMPTZ NOT NULL,
    "attempts" BIGINT NOT NULL,
    CONSTRAINT "uid_chat_update_source_6f32b4" UNIQUE ("source", "message_id")
);
COMMENT ON TABLE "chat_updates" IS 'A message that came in and waits for its answer, the inbox remembers that it came.';
CREATE TABLE "chat_living" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "chat_id" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "thread_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "line" TEXT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_chat_living_platfor_3b0e0e" UNIQUE ("platform", "chat_id", "subject")
);
COMMENT ON TABLE "chat_living" IS 'A message that is kept up to date by edits, one per chat and subject.';
CREATE TABLE "account_requests" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "params" JSON NOT NULL,
    "actor" TEXT NOT NULL,
    "asked_at" TIMESTAMPTZ NOT NULL,
    "taken_at" TIMESTAMPTZ,
    "answer" TEXT NOT NULL
);
CREATE INDEX "account_requests_by_account_id_asked_at" ON "account_requests" ("account_id", "asked_at");
COMMENT ON TABLE "account_requests" IS 'Something that the process owning an account is asked to do, once.';
CREATE TABLE "baselines" (
    "account_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "holdings" JSON NOT NULL,
    "flows" JSON NOT NULL,
    "taken_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "baselines" IS 'What a venue held when we first looked.';
CREATE TABLE "incidents" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "detail" JSON NOT NULL,
    "opened_at" TIMESTAMPTZ NOT NULL,
    "closed_at" TIMESTAMPTZ,
    "closed_by" TEXT NOT NULL
);
CREATE INDEX "incidents_by_opened_at_id" ON "incidents" ("workspace_id", "opened_at", "id");
COMMENT ON TABLE "incidents" IS 'Something that people must look at, open until it is settled.';
CREATE TABLE "order_watches" (
    "order_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "valid_until" TIMESTAMPTZ,
    "rest_until" TIMESTAMPTZ,
    "reprices_left" BIGINT NOT NULL,
    "claimed_at" TIMESTAMPTZ,
    "epoch" BIGINT NOT NULL,
    "cancel_reason" TEXT NOT NULL,
    "negatives" BIGINT NOT NULL,
    "first_negative_at" TIMESTAMPTZ,
    "next_look_at" TIMESTAMPTZ,
    "is_burned" BOOL NOT NULL,
    "target_order_id" TEXT NOT NULL
);
CREATE INDEX "order_watches_by_account_id_claimed_at" ON "order_watches" ("account_id", "claimed_at");
COMMENT ON TABLE "order_watches" IS 'How an order is looked after: claim, wish to cancel, what the venue''s silence amounts to.';
CREATE TABLE "protections" (
    "position_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "is_long" BOOL NOT NULL,
    "quantity" NUMERIC NOT NULL,
    "stop" NUMERIC,
    "targets" JSON NOT NULL,
    "trail_ratio" DOUBLE PRECISION,
    "revision" BIGINT NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX "protections_by_account_id" ON "protections" ("account_id");
COMMENT ON TABLE "protections" IS 'The exits of one open position.';
CREATE TABLE "reconciliations" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "began_at" TIMESTAMPTZ NOT NULL,
    "ended_at" TIMESTAMPTZ,
    "outcome" TEXT NOT NULL,
    "seen_ms" BIGINT NOT NULL,
    "detail" JSON NOT NULL
);
CREATE INDEX "reconciliations_by_account_id_began_at" ON "reconciliations" ("account_id", "began_at");
COMMENT ON TABLE "reconciliations" IS 'One comparison of an account with its venue.';
ALTER TABLE "fills" ADD COLUMN "base_fee" NUMERIC;
CREATE TABLE "chat_links" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "identity_digest" TEXT NOT NULL,
    "verified_at" TIMESTAMPTZ NOT NULL,
    "revoked_at" TIMESTAMPTZ
);
CREATE INDEX "chat_links_by_user_id" ON "chat_links" ("workspace_id", "user_id");
COMMENT ON TABLE "chat_links" IS 'An account at a chat platform, found by a digest, the account itself is personal data.';
CREATE TABLE "link_codes" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "code_hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "used_at" TIMESTAMPTZ,
    CONSTRAINT "uid_link_codes_code_ha_24fd0c" UNIQUE ("code_hash")
);
CREATE INDEX "link_codes_by_user_id" ON "link_codes" ("workspace_id", "user_id");
COMMENT ON TABLE "link_codes" IS 'A one-time code that links a chat account, used once.';
CREATE TABLE "approvals" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "command" TEXT NOT NULL,
    "command_hash" TEXT NOT NULL,
    "arguments" TEXT NOT NULL,
    "detail" JSON NOT NULL,
    "preview_code" TEXT NOT NULL,
    "preview_params" JSON NOT NULL,
    "state" TEXT NOT NULL,
    "is_solo" BOOL NOT NULL,
    "requested_by" TEXT NOT NULL,
    "requester_name" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "requested_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "execute_at" TIMESTAMPTZ,
    "decided_by" TEXT NOT NULL,
    "decider_id" TEXT NOT NULL,
    "decided_at" TIMESTAMPTZ,
    "outcome" TEXT NOT NULL,
    CONSTRAINT "uid_approvals_workspa_d38711" UNIQUE ("workspace_id", "code")
);
CREATE INDEX "approvals_by_requested_at_id" ON "approvals" ("workspace_id", "requested_at", "id");
COMMENT ON TABLE "approvals" IS 'A command that waits for a second person or for a delay.';
CREATE TABLE "credentials" (
    "user_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "password_hash" TEXT NOT NULL,
    "totp_sealed" TEXT NOT NULL,
    "totp_draft_sealed" TEXT NOT NULL,
    "totp_step" BIGINT NOT NULL,
    "changed_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "credentials" IS 'How a person proves who they are, the second factor is sealed.';
CREATE TABLE "step_ups" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "session" TEXT NOT NULL,
    "until" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_step_ups_workspa_92e6ff" UNIQUE ("workspace_id", "user_id", "session")
);
COMMENT ON TABLE "step_ups" IS 'A fresh proof of who asks, at one door or in one session.';
CREATE TABLE "throttles" (
    "key" TEXT NOT NULL  PRIMARY KEY,
    "failures" BIGINT NOT NULL,
    "blocked_until" TIMESTAMPTZ,
    "failed_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "throttles" IS 'Failures in a row of one account, address or caller, by digest.';
CREATE TABLE "person_keys" (
    "user_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "sealed_key" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "person_keys" IS 'A person''s key, itself sealed with the key file''s, gone after erasure.';
CREATE TABLE "personal_data" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    CONSTRAINT "uid_personal_da_user_id_94a5c8" UNIQUE ("user_id", "kind")
);
COMMENT ON TABLE "personal_data" IS 'One fact about a person, sealed, the only table that holds any.';
CREATE UNIQUE INDEX chat_links_in_use ON chat_links (platform, identity_digest) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX personal_email_in_use ON personal_data (workspace_id, digest) WHERE kind = 'email';
CREATE INDEX approvals_open ON approvals (expires_at) WHERE state IN ('PENDING', 'WAITING', 'APPROVED');
CREATE TABLE "order_numbers" (
    "account_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "number" BIGINT NOT NULL
);
COMMENT ON TABLE "order_numbers" IS 'Counts the orders of an account that no engine numbered: by hand, protection at a venue.';
CREATE INDEX "orders_by_account_id_venue_order_id" ON "orders" ("account_id", "venue_order_id");
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "used_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "revoked_at" TIMESTAMPTZ,
    "end_reason" TEXT NOT NULL
);
CREATE INDEX "sessions_by_user_id" ON "sessions" ("workspace_id", "user_id");
COMMENT ON TABLE "sessions" IS 'A sign-in: the family of refresh tokens that came from it.';
CREATE TABLE "refresh_tokens" (
    "token_hash" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "issued_at" TIMESTAMPTZ NOT NULL,
    "used_at" TIMESTAMPTZ
);
CREATE INDEX "refresh_tokens_by_session_id" ON "refresh_tokens" ("workspace_id", "session_id");
COMMENT ON TABLE "refresh_tokens" IS 'A refresh token by its digest, used once.';
CREATE TABLE "invitations" (
    "code_hash" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "used_at" TIMESTAMPTZ
);
CREATE INDEX "invitations_by_user_id" ON "invitations" ("workspace_id", "user_id");
COMMENT ON TABLE "invitations" IS 'A one-time code with which a person chooses a password, used once.';
CREATE TABLE "token_facts" (
    "token_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "scopes" JSON NOT NULL,
    "last_used_at" TIMESTAMPTZ
);
COMMENT ON TABLE "token_facts" IS 'What an API token may do, how it begins, and when it was last used.';
CREATE TABLE "webhooks" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pairs" JSON NOT NULL,
    "allow_list" JSON NOT NULL,
    "path_hash" TEXT NOT NULL,
    "path_ending" TEXT NOT NULL,
    "secret_sealed" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "rotated_at" TIMESTAMPTZ,
    "deleted_at" TIMESTAMPTZ,
    "last_seen_at" TIMESTAMPTZ,
    "accepted" BIGINT NOT NULL,
    "rejected" BIGINT NOT NULL,
    CONSTRAINT "uid_webhooks_path_ha_a05866" UNIQUE ("path_hash")
);
CREATE INDEX "webhooks_by_created_at" ON "webhooks" ("workspace_id", "created_at");
COMMENT ON TABLE "webhooks" IS 'A way in for signals, found by the digest of its path.';
CREATE TABLE "exchange_keys" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "venue" TEXT NOT NULL,
    "version" BIGINT NOT NULL,
    "key_ending" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    "withdrawal" TEXT NOT NULL,
    "is_sandbox" BOOL NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "rotated_at" TIMESTAMPTZ,
    "disabled_at" TIMESTAMPTZ
);
CREATE INDEX "exchange_keys_by_created_at" ON "exchange_keys" ("workspace_id", "created_at");
COMMENT ON TABLE "exchange_keys" IS 'A key to an account at an exchange, of which only the ending can be read.';
CREATE TABLE "market_directions" (
    "account_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "direction" TEXT NOT NULL,
    "set_by" TEXT NOT NULL,
    "set_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "market_directions" IS 'Which way people see the market of an account.';
CREATE TABLE "bot_wishes" (
    "bot_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "is_asked" BOOL NOT NULL,
    "window_s" BIGINT NOT NULL,
    "drift_ratio" NUMERIC NOT NULL,
    "config_version" BIGINT NOT NULL,
    "set_by" TEXT NOT NULL,
    "set_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX "bot_wishes_by_account_id" ON "bot_wishes" ("workspace_id", "account_id");
COMMENT ON TABLE "bot_wishes" IS 'What people want of a bot beside its state.';
CREATE TABLE "entry_requests" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "signal_id" TEXT NOT NULL,
    "is_long" BOOL NOT NULL,
    "tag" TEXT NOT NULL,
    "price" NUMERIC NOT NULL,
    "stop" NUMERIC,
    "targets" JSON NOT NULL,
    "quantity" NUMERIC NOT NULL,
    "plan" JSON NOT NULL,
    "state" TEXT NOT NULL,
    "drift_ratio" NUMERIC NOT NULL,
    "asked_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "share" NUMERIC NOT NULL,
    "decided_by" TEXT NOT NULL,
    "decided_at" TIMESTAMPTZ,
    "outcome" TEXT NOT NULL,
    CONSTRAINT "uid_entry_reque_workspa_d639a0" UNIQUE ("workspace_id", "code")
);
CREATE INDEX "entry_requests_by_state_asked_at" ON "entry_requests" ("workspace_id", "state", "asked_at");
COMMENT ON TABLE "entry_requests" IS 'An entry that waits for a person.';
CREATE TABLE "archived_trades" (
    "trade_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "archived_by" TEXT NOT NULL,
    "archived_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "archived_trades" IS 'A trade that lists and statistics leave out.';
CREATE TABLE "firings" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "entry" TEXT NOT NULL,
    "slot" TEXT NOT NULL,
    "slot_at" TIMESTAMPTZ NOT NULL,
    "fired_at" TIMESTAMPTZ NOT NULL,
    "outcome" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    CONSTRAINT "uid_firings_workspa_7e9bb3" UNIQUE ("workspace_id", "entry", "slot")
);
CREATE INDEX "firings_by_slot_at" ON "firings" ("workspace_id", "entry", "slot_at");
COMMENT ON TABLE "firings" IS 'A slot of the timetable that was fired or skipped, once.';
CREATE TABLE "news" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "source" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "summary" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "assets" JSON NOT NULL,
    "label" SMALLINT,
    "score" DOUBLE PRECISION,
    "model" TEXT NOT NULL,
    "published_at" TIMESTAMPTZ NOT NULL,
    "known_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_news_key_ada4f8" UNIQUE ("key")
);
CREATE INDEX "news_by_known_at_id" ON "news" ("known_at", "id");
COMMENT ON TABLE "news" IS 'A headline and how it sounds.';
CREATE TABLE "news_assets" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "news_id" TEXT NOT NULL,
    "asset" TEXT NOT NULL,
    "known_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_news_assets_news_id_9d89bc" UNIQUE ("news_id", "asset")
);
CREATE INDEX "news_assets_by_asset_known_at" ON "news_assets" ("asset", "known_at");
COMMENT ON TABLE "news_assets" IS 'An asset that a headline is about.';
CREATE TABLE "index_readings" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "index" TEXT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "value" SMALLINT NOT NULL,
    "words" TEXT NOT NULL,
    "known_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_index_readi_index_e4cf41" UNIQUE ("index", "at")
);
COMMENT ON TABLE "index_readings" IS 'A published index value.';
ALTER TABLE "protections" ADD COLUMN "stop_reason" TEXT;
ALTER TABLE "dead_letters" ADD COLUMN "discarded_at" TIMESTAMPTZ;
ALTER TABLE "dead_letters" ADD COLUMN "settled_by" TEXT;
CREATE TABLE "model_versions" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "version" INT NOT NULL,
    "kind" TEXT NOT NULL,
    "pairs" JSON NOT NULL,
    "timeframe" TEXT NOT NULL,
    "horizon_bars" INT NOT NULL,
    "window_bars" INT NOT NULL,
    "retrain_at" TIMESTAMPTZ NOT NULL,
    "files" JSON NOT NULL,
    "made_at" TIMESTAMPTZ NOT NULL,
    "state" TEXT NOT NULL,
    "artefact" TEXT NOT NULL,
    "data_hash" TEXT NOT NULL,
    "code_hash" TEXT NOT NULL,
    "seed" INT NOT NULL,
    "plan" JSON NOT NULL,
    "card" JSON NOT NULL,
    "skill" DOUBLE PRECISION,
    "job_id" TEXT NOT NULL,
    "made_by" TEXT NOT NULL,
    CONSTRAINT "uid_model_versi_workspa_5f7248" UNIQUE ("workspace_id", "model", "version"),
    CONSTRAINT "uid_model_versi_job_id_57799a" UNIQUE ("job_id")
);
CREATE INDEX "model_versions_by_made_at_id" ON "model_versions" ("workspace_id", "made_at", "id");
COMMENT ON TABLE "model_versions" IS 'A trained model, its files lie on the shelf.';
CREATE TABLE "model_promotions" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "version" INT NOT NULL,
    "before" INT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "reason" TEXT NOT NULL,
    "by" TEXT NOT NULL
);
CREATE INDEX "model_promotions_by_at_id" ON "model_promotions" ("workspace_id", "at", "id");
COMMENT ON TABLE "model_promotions" IS 'From a time on a version speaks.';
CREATE TABLE "model_drifts" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "version" INT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "worst" TEXT NOT NULL,
    "share_moved" DOUBLE PRECISION NOT NULL,
    "skill" DOUBLE PRECISION,
    "expected" DOUBLE PRECISION,
    "samples" INT NOT NULL,
    "is_alarming" BOOL NOT NULL,
    "psi" JSON NOT NULL
);
CREATE INDEX "model_drifts_by_model_at_id" ON "model_drifts" ("workspace_id", "model", "at", "id");
COMMENT ON TABLE "model_drifts" IS 'How far the market moved away from what a version learned.';
