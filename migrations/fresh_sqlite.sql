-- An empty database, up to 0018_learned_models
CREATE TABLE IF NOT EXISTS "tortoise_migrations" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "app" VARCHAR(255) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "applied_at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_tortoise_mi_app_3803a5" UNIQUE ("app", "name")
);
CREATE TABLE "installs" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "restore_epoch" BIGINT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL
) /* This database: its id and how often it was restored. */;
CREATE TABLE "workspaces" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "name" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_workspaces_name_c2329f" UNIQUE ("name")
) /* A group of people with their accounts and bots. */;
CREATE TABLE "users" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL
) /* Personal data of a person, the only table that holds any. */;
CREATE INDEX "users_by_email" ON "users" ("workspace_id", "email");
CREATE TABLE "members" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" SMALLINT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_members_workspa_db1040" UNIQUE ("workspace_id", "user_id"),
    CONSTRAINT "uid_members_workspa_0ceb46" UNIQUE ("workspace_id", "name")
) /* A person's place in a workspace. */;
CREATE TABLE "tokens" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "role" SMALLINT NOT NULL,
    "secret_hash" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    "expires_at" VARCHAR(32),
    "revoked_at" VARCHAR(32),
    CONSTRAINT "uid_tokens_secret__8f3079" UNIQUE ("secret_hash")
) /* An API token, only the SHA-256 of its secret is kept. */;
CREATE INDEX "tokens_by_created_at" ON "tokens" ("workspace_id", "created_at");
CREATE TABLE "accounts" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "venue" TEXT NOT NULL,
    "is_live" INT NOT NULL,
    "currency" TEXT NOT NULL,
    "capital" VARCHAR(80) NOT NULL,
    "trading_state" TEXT NOT NULL,
    "state_reason" TEXT NOT NULL,
    "settings" TEXT NOT NULL,
    "version" BIGINT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_accounts_workspa_632c03" UNIQUE ("workspace_id", "name")
) /* Money at one venue. */;
CREATE TABLE "account_status" (
    "account_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "as_of" VARCHAR(32) NOT NULL,
    "cash" VARCHAR(80) NOT NULL,
    "equity" VARCHAR(80) NOT NULL,
    "peak_equity" VARCHAR(80) NOT NULL,
    "day_start_equity" VARCHAR(80) NOT NULL,
    "drawdown" REAL NOT NULL,
    "day_change" REAL NOT NULL,
    "open_positions" BIGINT NOT NULL,
    "max_positions" BIGINT NOT NULL,
    "open_risk" VARCHAR(80) NOT NULL,
    "trading_state" TEXT NOT NULL
) /* An account as of its last closed bar. */;
CREATE INDEX "account_status_by_account_id" ON "account_status" ("workspace_id", "account_id");
CREATE TABLE "equity_points" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "at" VARCHAR(32) NOT NULL,
    "equity" VARCHAR(80) NOT NULL,
    CONSTRAINT "uid_equity_poin_account_feeea7" UNIQUE ("account_id", "at")
) /* Equity at the close of a bar. */;
CREATE TABLE "account_snapshots" (
    "account_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "bar_ms" BIGINT NOT NULL,
    "data" BLOB NOT NULL,
    "saved_at" VARCHAR(32) NOT NULL
) /* Engine state, it only makes a start faster. */;
CREATE INDEX "account_snapshots_by_account_id" ON "account_snapshots" ("workspace_id", "account_id");
CREATE TABLE "locks" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "until" VARCHAR(32) NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "released_at" VARCHAR(32)
) /* Entries refused for a pair until a time. */;
CREATE INDEX "locks_by_account_id_until" ON "locks" ("account_id", "until");
CREATE TABLE "bots" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "strategy" TEXT NOT NULL,
    "pairs" TEXT NOT NULL,
    "timeframe" TEXT NOT NULL,
    "parameters" TEXT NOT NULL,
    "allocation" REAL NOT NULL,
    "desired" TEXT NOT NULL,
    "condition" TEXT NOT NULL,
    "condition_reason" TEXT NOT NULL,
    "resume_at" VARCHAR(32),
    "last_bar_at" VARCHAR(32),
    "version" BIGINT NOT NULL,
    "config_version" BIGINT NOT NULL,
    "is_live" INT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    "archived_at" VARCHAR(32)
) /* A strategy with pairs, parameters and an allocation. Its account holds the trading state. */;
CREATE INDEX "bots_by_created_at" ON "bots" ("workspace_id", "created_at");
CREATE INDEX "bots_by_account_id" ON "bots" ("account_id");
CREATE TABLE "bot_phases" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "phase" TEXT NOT NULL,
    "since" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_bot_phases_bot_id_7048fd" UNIQUE ("bot_id", "pair")
) /* Where a bot stands with one pair. */;
CREATE TABLE "bot_state_history" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "at" VARCHAR(32) NOT NULL,
    "bot_id" TEXT NOT NULL,
    "axis" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "before" TEXT NOT NULL,
    "after" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "actor" TEXT NOT NULL
) /* A move of one of the four axes, with its cause. */;
CREATE INDEX "bot_state_history_by_bot_id_at_id" ON "bot_state_history" ("workspace_id", "bot_id", "at", "id");
CREATE TABLE "config_versions" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "version" BIGINT NOT NULL,
    "parameters" TEXT NOT NULL,
    "author" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_config_vers_bot_id_c16959" UNIQUE ("bot_id", "version")
) /* An immutable configuration of a bot. */;
CREATE TABLE "candle_series" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "venue" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "timeframe" TEXT NOT NULL,
    CONSTRAINT "uid_candle_seri_venue_e6e04c" UNIQUE ("venue", "pair", "timeframe")
) /* A venue, a pair and a timeframe. */;
CREATE TABLE "candles" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "series_id" BIGINT NOT NULL,
    "ts_ms" BIGINT NOT NULL,
    "open" REAL NOT NULL,
    "high" REAL NOT NULL,
    "low" REAL NOT NULL,
    "close" REAL NOT NULL,
    "volume" REAL NOT NULL,
    "flags" SMALLINT NOT NULL,
    CONSTRAINT "uid_candles_series__514488" UNIQUE ("series_id", "ts_ms")
) /* A closed bar. */;
CREATE TABLE "signals" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "bar_at" VARCHAR(32) NOT NULL,
    "direction" SMALLINT NOT NULL,
    "tag" TEXT NOT NULL,
    "price" VARCHAR(80) NOT NULL,
    "stop" VARCHAR(80),
    "targets" TEXT NOT NULL,
    "score" REAL NOT NULL,
    "conditions" TEXT NOT NULL,
    "sizing" TEXT NOT NULL,
    "checks" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "reason" TEXT NOT NULL
) /* A signal with its conditions, its sizing and its risk checks. */;
CREATE INDEX "signals_by_bar_at_id" ON "signals" ("workspace_id", "bar_at", "id");
CREATE INDEX "signals_by_bot_id_bar_at" ON "signals" ("bot_id", "bar_at");
CREATE TABLE "order_intents" (
    "order_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "client_order_id" TEXT NOT NULL,
    "idempotency_key" TEXT NOT NULL,
    "request" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_order_inten_client__129676" UNIQUE ("client_order_id"),
    CONSTRAINT "uid_order_inten_workspa_0e091c" UNIQUE ("workspace_id", "idempotency_key")
) /* What was committed before anything was sent, never changed. */;
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
    "quantity" VARCHAR(80) NOT NULL,
    "price" VARCHAR(80),
    "stop_price" VARCHAR(80),
    "filled_quantity" VARCHAR(80) NOT NULL,
    "average_price" VARCHAR(80),
    "state" TEXT NOT NULL,
    "state_reason" TEXT NOT NULL,
    "evidence" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "leg" SMALLINT NOT NULL,
    "binding" TEXT NOT NULL,
    "signal_id" TEXT NOT NULL,
    "position_id" TEXT NOT NULL,
    "is_reduce_only" INT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    "updated_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_orders_client__40a511" UNIQUE ("client_order_id")
) /* An order with its state. */;
CREATE INDEX "orders_by_created_at_id" ON "orders" ("workspace_id", "created_at", "id");
CREATE INDEX "orders_by_bot_id_created_at" ON "orders" ("bot_id", "created_at");
CREATE INDEX "orders_by_position_id" ON "orders" ("position_id");
CREATE TABLE "order_events" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "order_id" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "at" VARCHAR(32) NOT NULL,
    "before" TEXT NOT NULL,
    "after" TEXT NOT NULL,
    "evidence" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    CONSTRAINT "uid_order_event_order_i_f29a14" UNIQUE ("order_id", "sequence")
) /* A step of an order with its evidence, append-only. */;
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
    "price" VARCHAR(80) NOT NULL,
    "quantity" VARCHAR(80) NOT NULL,
    "fee" VARCHAR(80) NOT NULL,
    "liquidity" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "leg" SMALLINT NOT NULL,
    "source" TEXT NOT NULL,
    "filled_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_fills_account_65616f" UNIQUE ("account_id", "venue_trade_id")
) /* An execution, the only thing that moves positions. */;
CREATE INDEX "fills_by_filled_at_id" ON "fills" ("workspace_id", "filled_at", "id");
CREATE INDEX "fills_by_order_id" ON "fills" ("order_id");
CREATE INDEX "fills_by_position_id" ON "fills" ("position_id");
CREATE INDEX "fills_by_bot_id_filled_at" ON "fills" ("bot_id", "filled_at");
CREATE TABLE "positions" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "is_long" INT NOT NULL,
    "quantity" VARCHAR(80) NOT NULL,
    "entry_quantity" VARCHAR(80) NOT NULL,
    "entry_price" VARCHAR(80) NOT NULL,
    "mark_price" VARCHAR(80) NOT NULL,
    "stop" VARCHAR(80),
    "initial_stop" VARCHAR(80),
    "legs" TEXT NOT NULL,
    "trail_ratio" REAL,
    "realized_pnl" VARCHAR(80) NOT NULL,
    "unrealized_pnl" VARCHAR(80) NOT NULL,
    "fees" VARCHAR(80) NOT NULL,
    "signal_id" TEXT NOT NULL,
    "tag" TEXT NOT NULL,
    "opened_at" VARCHAR(32) NOT NULL,
    "closed_at" VARCHAR(32),
    "as_of" VARCHAR(32) NOT NULL
) /* An open or closed position. */;
CREATE INDEX "positions_by_opened_at_id" ON "positions" ("workspace_id", "opened_at", "id");
CREATE INDEX "positions_by_bot_id_opened_at" ON "positions" ("bot_id", "opened_at");
CREATE TABLE "trades" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "number" BIGINT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "position_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "is_long" INT NOT NULL,
    "quantity" VARCHAR(80) NOT NULL,
    "entry_price" VARCHAR(80) NOT NULL,
    "exit_price" VARCHAR(80) NOT NULL,
    "pnl" VARCHAR(80) NOT NULL,
    "pnl_ratio" REAL NOT NULL,
    "fees" VARCHAR(80) NOT NULL,
    "reason" TEXT NOT NULL,
    "tag" TEXT NOT NULL,
    "exit_tag" TEXT NOT NULL,
    "bars" BIGINT NOT NULL,
    "signal_id" TEXT NOT NULL,
    "opened_at" VARCHAR(32) NOT NULL,
    "closed_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_trades_workspa_e445f6" UNIQUE ("workspace_id", "number")
) /* A finished round trip, net of all costs. */;
CREATE INDEX "trades_by_closed_at_id" ON "trades" ("workspace_id", "closed_at", "id");
CREATE INDEX "trades_by_bot_id_closed_at" ON "trades" ("bot_id", "closed_at");
CREATE INDEX "trades_by_position_id" ON "trades" ("position_id");
CREATE TABLE "trade_events" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "position_id" TEXT NOT NULL,
    "at" VARCHAR(32) NOT NULL,
    "kind" TEXT NOT NULL,
    "detail" TEXT NOT NULL
) /* What happened to a position, line by line. */;
CREATE INDEX "trade_events_by_position_id_id" ON "trade_events" ("position_id", "id");
CREATE TABLE "risk_events" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "at" VARCHAR(32) NOT NULL,
    "rule" TEXT NOT NULL,
    "detail" TEXT NOT NULL
) /* A risk rule that spoke. */;
CREATE INDEX "risk_events_by_at_id" ON "risk_events" ("workspace_id", "at", "id");
CREATE TABLE "bot_metrics" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "day" VARCHAR(32) NOT NULL,
    "values" TEXT NOT NULL,
    CONSTRAINT "uid_bot_metrics_bot_id_8e0432" UNIQUE ("bot_id", "day")
) /* A bot's figures of one day. */;
CREATE TABLE "strategy_performance" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "strategy" TEXT NOT NULL,
    "period" TEXT NOT NULL,
    "values" TEXT NOT NULL,
    CONSTRAINT "uid_strategy_pe_workspa_3b2de6" UNIQUE ("workspace_id", "strategy", "period")
) /* A strategy's figures over a period. */;
CREATE TABLE "counters" (
    "workspace_id" TEXT NOT NULL  PRIMARY KEY,
    "journal" BIGINT NOT NULL,
    "trades" BIGINT NOT NULL,
    "audit" BIGINT NOT NULL,
    "audit_head" TEXT NOT NULL
) /* One row per workspace, locked by whoever counts: so nobody waits crosswise. */;
CREATE TABLE "event_log" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "occurred_at" VARCHAR(32) NOT NULL,
    "recorded_at" VARCHAR(32) NOT NULL,
    "payload" TEXT NOT NULL,
    CONSTRAINT "uid_event_log_workspa_27fd11" UNIQUE ("workspace_id", "sequence")
) /* A fact with its place in its workspace's journal. */;
CREATE TABLE "audit" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "at" VARCHAR(32) NOT NULL,
    "actor" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "previous_hash" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    CONSTRAINT "uid_audit_workspa_eb4c9d" UNIQUE ("workspace_id", "sequence")
) /* A line of the audit, chained by hash, append-only. */;
CREATE TABLE "alerts" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "params" TEXT NOT NULL,
    "dedupe_key" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    "acknowledged_by" TEXT NOT NULL,
    "acknowledged_at" VARCHAR(32),
    CONSTRAINT "uid_alerts_workspa_e6a682" UNIQUE ("workspace_id", "dedupe_key")
) /* Something people should know. */;
CREATE INDEX "alerts_by_created_at_id" ON "alerts" ("workspace_id", "created_at", "id");
CREATE TABLE "deliveries" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "alert_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "next_attempt_at" VARCHAR(32),
    "sent_at" VARCHAR(32),
    "error" TEXT NOT NULL
) /* One alert on its way to one person by one channel. */;
CREATE INDEX "deliveries_by_alert_id" ON "deliveries" ("workspace_id", "alert_id");
CREATE TABLE "outbox" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "dedupe_key" TEXT NOT NULL,
    "delivery_id" TEXT NOT NULL,
    "alert_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "queued_at" VARCHAR(32) NOT NULL,
    "available_at" VARCHAR(32) NOT NULL,
    "attempts" BIGINT NOT NULL,
    CONSTRAINT "uid_outbox_dedupe__136453" UNIQUE ("dedupe_key"),
    CONSTRAINT "uid_outbox_deliver_d45630" UNIQUE ("delivery_id")
) /* What must still leave the house, in order. Written in the transaction of the fact. */;
CREATE INDEX "outbox_by_channel_recipient_id" ON "outbox" ("channel", "recipient", "id");
CREATE TABLE "inbox" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "received_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_inbox_source_f5451b" UNIQUE ("source", "message_id")
) /* A message that was handled, the same one again does nothing. */;
CREATE TABLE "dead_letters" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "payload" TEXT NOT NULL,
    "payload_hash" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "trace_id" TEXT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    "replayed_at" VARCHAR(32)
) /* A message that could not be handled, with its cause. */;
CREATE INDEX "dead_letters_by_created_at_id" ON "dead_letters" ("workspace_id", "created_at", "id");
CREATE TABLE "leases" (
    "name" TEXT NOT NULL  PRIMARY KEY,
    "holder" TEXT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "expires_at" VARCHAR(32) NOT NULL
) /* Who owns what, the epoch counts up at each change of hands. */;
CREATE TABLE "idempotency_keys" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "answer" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_idempotency_workspa_45faab" UNIQUE ("workspace_id", "key")
) /* The answer to a request that must have one effect. */;
CREATE TABLE "confirmations" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "command_hash" TEXT NOT NULL,
    "expires_at" VARCHAR(32) NOT NULL,
    "used_at" VARCHAR(32),
    CONSTRAINT "uid_confirmatio_workspa_c7d3fa" UNIQUE ("workspace_id", "token_hash")
) /* A second tap that is waited for, used once. */;
CREATE UNIQUE INDEX bots_name_in_use ON bots (workspace_id, name) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX users_email_in_use ON users (workspace_id, email) WHERE email <> '';
CREATE INDEX positions_open ON positions (workspace_id, account_id) WHERE closed_at IS NULL;
CREATE INDEX orders_unsettled ON orders (workspace_id, account_id) WHERE state IN ('intent', 'claimed', 'accepted', 'partial', 'unknown', 'cancel_pending');
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER order_events_no_update BEFORE UPDATE ON order_events BEGIN SELECT RAISE(ABORT, 'order_events is append-only'); END;
CREATE TRIGGER order_events_no_delete BEFORE DELETE ON order_events BEGIN SELECT RAISE(ABORT, 'order_events is append-only'); END;
CREATE TABLE "jobs" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "input" TEXT NOT NULL,
    "progress" TEXT NOT NULL,
    "result" TEXT NOT NULL,
    "error" TEXT NOT NULL,
    "asked_by" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "group_id" TEXT NOT NULL,
    "dedupe_key" TEXT NOT NULL,
    "tries" BIGINT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "holder" TEXT NOT NULL,
    "due_at" VARCHAR(32) NOT NULL,
    "lease_until" VARCHAR(32),
    "created_at" VARCHAR(32) NOT NULL,
    "started_at" VARCHAR(32),
    "finished_at" VARCHAR(32),
    "cancel_at" VARCHAR(32),
    CONSTRAINT "uid_jobs_workspa_4d333c" UNIQUE ("workspace_id", "dedupe_key")
) /* Work that somebody asked for, from the asking to the result. */;
CREATE INDEX "jobs_by_created_at_id" ON "jobs" ("workspace_id", "created_at", "id");
CREATE INDEX "jobs_by_state_due_at" ON "jobs" ("state", "due_at");
CREATE INDEX "jobs_by_group_id" ON "jobs" ("group_id");
CREATE TABLE "job_files" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "job_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "media_type" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "data" BLOB NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_job_files_job_id_b6bec9" UNIQUE ("job_id", "name")
) /* A file that a job left: a report, a picture, a table. */;
CREATE TABLE "alert_incidents" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "first_alert_id" TEXT NOT NULL,
    "last_alert_id" TEXT NOT NULL,
    "count" BIGINT NOT NULL,
    "untold" BIGINT NOT NULL,
    "repeats" BIGINT NOT NULL,
    "opened_at" VARCHAR(32) NOT NULL,
    "last_at" VARCHAR(32) NOT NULL,
    "repeat_at" VARCHAR(32) NOT NULL,
    "resolved_at" VARCHAR(32),
    "snoozed_until" VARCHAR(32),
    "acknowledged_by" TEXT NOT NULL,
    CONSTRAINT "uid_alert_incid_workspa_d224f6" UNIQUE ("workspace_id", "key")
) /* A trouble that lasts, one row per trouble. */;
CREATE TABLE "alert_messages" (
    "delivery_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "alert_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "message_ref" TEXT NOT NULL
) /* The platform's own id of a message that an alert became. */;
CREATE INDEX "alert_messages_by_alert_id" ON "alert_messages" ("workspace_id", "alert_id");
CREATE TABLE "alert_rules" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "relation" TEXT NOT NULL,
    "threshold" VARCHAR(80) NOT NULL,
    "is_repeating" INT NOT NULL,
    "is_armed" INT NOT NULL,
    "seen_ms" BIGINT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    "fired_at" VARCHAR(32)
) /* Something that one person wants to be told, in numbers. */;
CREATE INDEX "alert_rules_by_user_id" ON "alert_rules" ("workspace_id", "user_id");
CREATE TABLE "alert_escalations" (
    "alert_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "step" BIGINT NOT NULL,
    "due_at" VARCHAR(32) NOT NULL
) /* A critical alert that nobody has seen yet. */;
CREATE INDEX "alert_escalations_by_due_at" ON "alert_escalations" ("workspace_id", "due_at");
CREATE TABLE "heartbeats" (
    "name" TEXT NOT NULL  PRIMARY KEY,
    "role" TEXT NOT NULL,
    "beat_at" VARCHAR(32) NOT NULL,
    "patience_s" BIGINT NOT NULL,
    "stopped_at" VARCHAR(32)
) /* A process that says it is alive. */;
CREATE TABLE "held_deliveries" (
    "delivery_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "alert_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "release_at" VARCHAR(32) NOT NULL,
    "is_digest" INT NOT NULL
) /* A delivery that waits for the end of quiet hours or for a digest. */;
CREATE INDEX "held_deliveries_by_release_at" ON "held_deliveries" ("workspace_id", "release_at");
CREATE TABLE "notice_settings" (
    "user_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "settings" TEXT NOT NULL,
    "updated_at" VARCHAR(32) NOT NULL
) /* What a person wants to be told, where and when. */;
CREATE INDEX "notice_settings_by_user_id" ON "notice_settings" ("workspace_id", "user_id");
CREATE TABLE "chat_buttons" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "chat_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "line" TEXT NOT NULL,
    "payload" TEXT NOT NULL,
    "seal" TEXT NOT NULL,
    "is_single" INT NOT NULL,
    "expires_at" VARCHAR(32) NOT NULL,
    "used_at" VARCHAR(32),
    "used_by" TEXT NOT NULL,
    CONSTRAINT "uid_chat_button_token_h_4791ea" UNIQUE ("token_hash")
) /* A button under a message, by the SHA-256 of its token. */;
CREATE INDEX "chat_buttons_by_expires_at" ON "chat_buttons" ("expires_at");
CREATE INDEX "chat_buttons_by_person" ON "chat_buttons" ("platform", "chat_id", "user_id", "kind");
CREATE TABLE "chat_places" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "chat_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "bot" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "known_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_chat_places_platfor_83833b" UNIQUE ("platform", "chat_id")
) /* A chat that the house knows, with what was chosen there. */;
CREATE TABLE "chat_replies" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "chat_id" TEXT NOT NULL,
    "dedupe_key" TEXT NOT NULL,
    "payload" TEXT NOT NULL,
    "queued_at" VARCHAR(32) NOT NULL,
    "attempts" BIGINT NOT NULL,
    "is_doubtful" INT NOT NULL,
    CONSTRAINT "uid_chat_replie_dedupe__add94a" UNIQUE ("dedupe_key")
) /* A reply that must still reach its chat. */;
CREATE INDEX "chat_replies_by_source_id" ON "chat_replies" ("source", "id");
CREATE TABLE "chat_updates" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "chat_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "payload" TEXT NOT NULL,
    "received_at" VARCHAR(32) NOT NULL,
    "attempts" BIGINT NOT NULL,
    CONSTRAINT "uid_chat_update_source_6f32b4" UNIQUE ("source", "message_id")
) /* A message that came in and waits for its answer, the inbox remembers that it came. */;
CREATE TABLE "chat_living" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "chat_id" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "thread_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "line" TEXT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "updated_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_chat_living_platfor_3b0e0e" UNIQUE ("platform", "chat_id", "subject")
) /* A message that is kept up to date by edits, one per chat and subject. */;
CREATE TABLE "account_requests" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "params" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "asked_at" VARCHAR(32) NOT NULL,
    "taken_at" VARCHAR(32),
    "answer" TEXT NOT NULL
) /* Something that the process owning an account is asked to do, once. */;
CREATE INDEX "account_requests_by_account_id_asked_at" ON "account_requests" ("account_id", "asked_at");
CREATE TABLE "baselines" (
    "account_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "holdings" TEXT NOT NULL,
    "flows" TEXT NOT NULL,
    "taken_at" VARCHAR(32) NOT NULL
) /* What a venue held when we first looked. */;
CREATE TABLE "incidents" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "opened_at" VARCHAR(32) NOT NULL,
    "closed_at" VARCHAR(32),
    "closed_by" TEXT NOT NULL
) /* Something that people must look at, open until it is settled. */;
CREATE INDEX "incidents_by_opened_at_id" ON "incidents" ("workspace_id", "opened_at", "id");
CREATE TABLE "order_watches" (
    "order_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "valid_until" VARCHAR(32),
    "rest_until" VARCHAR(32),
    "reprices_left" BIGINT NOT NULL,
    "claimed_at" VARCHAR(32),
    "epoch" BIGINT NOT NULL,
    "cancel_reason" TEXT NOT NULL,
    "negatives" BIGINT NOT NULL,
    "first_negative_at" VARCHAR(32),
    "next_look_at" VARCHAR(32),
    "is_burned" INT NOT NULL,
    "target_order_id" TEXT NOT NULL
) /* How an order is looked after: claim, wish to cancel, what the venue's silence amounts to. */;
CREATE INDEX "order_watches_by_account_id_claimed_at" ON "order_watches" ("account_id", "claimed_at");
CREATE TABLE "protections" (
    "position_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "is_long" INT NOT NULL,
    "quantity" VARCHAR(80) NOT NULL,
    "stop" VARCHAR(80),
    "targets" TEXT NOT NULL,
    "trail_ratio" REAL,
    "revision" BIGINT NOT NULL,
    "updated_at" VARCHAR(32) NOT NULL
) /* The exits of one open position. */;
CREATE INDEX "protections_by_account_id" ON "protections" ("account_id");
CREATE TABLE "reconciliations" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "began_at" VARCHAR(32) NOT NULL,
    "ended_at" VARCHAR(32),
    "outcome" TEXT NOT NULL,
    "seen_ms" BIGINT NOT NULL,
    "detail" TEXT NOT NULL
) /* One comparison of an account with its venue. */;
CREATE INDEX "reconciliations_by_account_id_began_at" ON "reconciliations" ("account_id", "began_at");
ALTER TABLE "fills" ADD COLUMN "base_fee" VARCHAR(80);
CREATE TABLE "chat_links" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "identity_digest" TEXT NOT NULL,
    "verified_at" VARCHAR(32) NOT NULL,
    "revoked_at" VARCHAR(32)
) /* An account at a chat platform, found by a digest, the account itself is personal data. */;
CREATE INDEX "chat_links_by_user_id" ON "chat_links" ("workspace_id", "user_id");
CREATE TABLE "link_codes" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "code_hash" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    "expires_at" VARCHAR(32) NOT NULL,
    "used_at" VARCHAR(32),
    CONSTRAINT "uid_link_codes_code_ha_24fd0c" UNIQUE ("code_hash")
) /* A one-time code that links a chat account, used once. */;
CREATE INDEX "link_codes_by_user_id" ON "link_codes" ("workspace_id", "user_id");
CREATE TABLE "approvals" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "command" TEXT NOT NULL,
    "command_hash" TEXT NOT NULL,
    "arguments" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "preview_code" TEXT NOT NULL,
    "preview_params" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "is_solo" INT NOT NULL,
    "requested_by" TEXT NOT NULL,
    "requester_name" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "requested_at" VARCHAR(32) NOT NULL,
    "expires_at" VARCHAR(32) NOT NULL,
    "execute_at" VARCHAR(32),
    "decided_by" TEXT NOT NULL,
    "decider_id" TEXT NOT NULL,
    "decided_at" VARCHAR(32),
    "outcome" TEXT NOT NULL,
    CONSTRAINT "uid_approvals_workspa_d38711" UNIQUE ("workspace_id", "code")
) /* A command that waits for a second person or for a delay. */;
CREATE INDEX "approvals_by_requested_at_id" ON "approvals" ("workspace_id", "requested_at", "id");
CREATE TABLE "credentials" (
    "user_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "password_hash" TEXT NOT NULL,
    "totp_sealed" TEXT NOT NULL,
    "totp_draft_sealed" TEXT NOT NULL,
    "totp_step" BIGINT NOT NULL,
    "changed_at" VARCHAR(32) NOT NULL
) /* How a person proves who they are, the second factor is sealed. */;
CREATE TABLE "step_ups" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "session" TEXT NOT NULL,
    "until" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_step_ups_workspa_92e6ff" UNIQUE ("workspace_id", "user_id", "session")
) /* A fresh proof of who asks, at one door or in one session. */;
CREATE TABLE "throttles" (
    "key" TEXT NOT NULL  PRIMARY KEY,
    "failures" BIGINT NOT NULL,
    "blocked_until" VARCHAR(32),
    "failed_at" VARCHAR(32) NOT NULL
) /* Failures in a row of one account, address or caller, by digest. */;
CREATE TABLE "person_keys" (
    "user_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "sealed_key" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL
) /* A person's key, itself sealed with the key file's, gone after erasure. */;
CREATE TABLE "personal_data" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    CONSTRAINT "uid_personal_da_user_id_94a5c8" UNIQUE ("user_id", "kind")
) /* One fact about a person, sealed, the only table that holds any. */;
CREATE UNIQUE INDEX chat_links_in_use ON chat_links (platform, identity_digest) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX personal_email_in_use ON personal_data (workspace_id, digest) WHERE kind = 'email';
CREATE INDEX approvals_open ON approvals (expires_at) WHERE state IN ('PENDING', 'WAITING', 'APPROVED');
CREATE TABLE "order_numbers" (
    "account_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "number" BIGINT NOT NULL
) /* Counts the orders of an account that no engine numbered: by hand, protection at a venue. */;
CREATE INDEX "orders_by_account_id_venue_order_id" ON "orders" ("account_id", "venue_order_id");
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    "used_at" VARCHAR(32) NOT NULL,
    "expires_at" VARCHAR(32) NOT NULL,
    "revoked_at" VARCHAR(32),
    "end_reason" TEXT NOT NULL
) /* A sign-in: the family of refresh tokens that came from it. */;
CREATE INDEX "sessions_by_user_id" ON "sessions" ("workspace_id", "user_id");
CREATE TABLE "refresh_tokens" (
    "token_hash" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "issued_at" VARCHAR(32) NOT NULL,
    "used_at" VARCHAR(32)
) /* A refresh token by its digest, used once. */;
CREATE INDEX "refresh_tokens_by_session_id" ON "refresh_tokens" ("workspace_id", "session_id");
CREATE TABLE "invitations" (
    "code_hash" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    "expires_at" VARCHAR(32) NOT NULL,
    "used_at" VARCHAR(32)
) /* A one-time code with which a person chooses a password, used once. */;
CREATE INDEX "invitations_by_user_id" ON "invitations" ("workspace_id", "user_id");
CREATE TABLE "token_facts" (
    "token_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "scopes" TEXT NOT NULL,
    "last_used_at" VARCHAR(32)
) /* What an API token may do, how it begins, and when it was last used. */;
CREATE TABLE "webhooks" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pairs" TEXT NOT NULL,
    "allow_list" TEXT NOT NULL,
    "path_hash" TEXT NOT NULL,
    "path_ending" TEXT NOT NULL,
    "secret_sealed" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    "rotated_at" VARCHAR(32),
    "deleted_at" VARCHAR(32),
    "last_seen_at" VARCHAR(32),
    "accepted" BIGINT NOT NULL,
    "rejected" BIGINT NOT NULL,
    CONSTRAINT "uid_webhooks_path_ha_a05866" UNIQUE ("path_hash")
) /* A way in for signals, found by the digest of its path. */;
CREATE INDEX "webhooks_by_created_at" ON "webhooks" ("workspace_id", "created_at");
CREATE TABLE "exchange_keys" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "venue" TEXT NOT NULL,
    "version" BIGINT NOT NULL,
    "key_ending" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    "withdrawal" TEXT NOT NULL,
    "is_sandbox" INT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" VARCHAR(32) NOT NULL,
    "rotated_at" VARCHAR(32),
    "disabled_at" VARCHAR(32)
) /* A key to an account at an exchange, of which only the ending can be read. */;
CREATE INDEX "exchange_keys_by_created_at" ON "exchange_keys" ("workspace_id", "created_at");
CREATE TABLE "market_directions" (
    "account_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "direction" TEXT NOT NULL,
    "set_by" TEXT NOT NULL,
    "set_at" VARCHAR(32) NOT NULL
) /* Which way people see the market of an account. */;
CREATE TABLE "bot_wishes" (
    "bot_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "is_asked" INT NOT NULL,
    "window_s" BIGINT NOT NULL,
    "drift_ratio" VARCHAR(80) NOT NULL,
    "config_version" BIGINT NOT NULL,
    "set_by" TEXT NOT NULL,
    "set_at" VARCHAR(32) NOT NULL
) /* What people want of a bot beside its state. */;
CREATE INDEX "bot_wishes_by_account_id" ON "bot_wishes" ("workspace_id", "account_id");
CREATE TABLE "entry_requests" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "bot_id" TEXT NOT NULL,
    "pair" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "signal_id" TEXT NOT NULL,
    "is_long" INT NOT NULL,
    "tag" TEXT NOT NULL,
    "price" VARCHAR(80) NOT NULL,
    "stop" VARCHAR(80),
    "targets" TEXT NOT NULL,
    "quantity" VARCHAR(80) NOT NULL,
    "plan" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "drift_ratio" VARCHAR(80) NOT NULL,
    "asked_at" VARCHAR(32) NOT NULL,
    "expires_at" VARCHAR(32) NOT NULL,
    "share" VARCHAR(80) NOT NULL,
    "decided_by" TEXT NOT NULL,
    "decided_at" VARCHAR(32),
    "outcome" TEXT NOT NULL,
    CONSTRAINT "uid_entry_reque_workspa_d639a0" UNIQUE ("workspace_id", "code")
) /* An entry that waits for a person. */;
CREATE INDEX "entry_requests_by_state_asked_at" ON "entry_requests" ("workspace_id", "state", "asked_at");
CREATE TABLE "archived_trades" (
    "trade_id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "archived_by" TEXT NOT NULL,
    "archived_at" VARCHAR(32) NOT NULL
) /* A trade that lists and statistics leave out. */;
CREATE TABLE "firings" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "entry" TEXT NOT NULL,
    "slot" TEXT NOT NULL,
    "slot_at" VARCHAR(32) NOT NULL,
    "fired_at" VARCHAR(32) NOT NULL,
    "outcome" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    CONSTRAINT "uid_firings_workspa_7e9bb3" UNIQUE ("workspace_id", "entry", "slot")
) /* A slot of the timetable that was fired or skipped, once. */;
CREATE INDEX "firings_by_slot_at" ON "firings" ("workspace_id", "entry", "slot_at");
CREATE TABLE "news" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "source" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "summary" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "assets" TEXT NOT NULL,
    "label" SMALLINT,
    "score" REAL,
    "model" TEXT NOT NULL,
    "published_at" VARCHAR(32) NOT NULL,
    "known_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_news_key_ada4f8" UNIQUE ("key")
) /* A headline and how it sounds. */;
CREATE INDEX "news_by_known_at_id" ON "news" ("known_at", "id");
CREATE TABLE "news_assets" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "news_id" TEXT NOT NULL,
    "asset" TEXT NOT NULL,
    "known_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_news_assets_news_id_9d89bc" UNIQUE ("news_id", "asset")
) /* An asset that a headline is about. */;
CREATE INDEX "news_assets_by_asset_known_at" ON "news_assets" ("asset", "known_at");
CREATE TABLE "index_readings" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "index" TEXT NOT NULL,
    "at" VARCHAR(32) NOT NULL,
    "value" SMALLINT NOT NULL,
    "words" TEXT NOT NULL,
    "known_at" VARCHAR(32) NOT NULL,
    CONSTRAINT "uid_index_readi_index_e4cf41" UNIQUE ("index", "at")
) /* A published index value. */;
ALTER TABLE "protections" ADD COLUMN "stop_reason" TEXT;
ALTER TABLE "dead_letters" ADD COLUMN "discarded_at" VARCHAR(32);
ALTER TABLE "dead_letters" ADD COLUMN "settled_by" TEXT;
CREATE TABLE "model_versions" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "version" INT NOT NULL,
    "kind" TEXT NOT NULL,
    "pairs" TEXT NOT NULL,
    "timeframe" TEXT NOT NULL,
    "horizon_bars" INT NOT NULL,
    "window_bars" INT NOT NULL,
    "retrain_at" VARCHAR(32) NOT NULL,
    "files" TEXT NOT NULL,
    "made_at" VARCHAR(32) NOT NULL,
    "state" TEXT NOT NULL,
    "artefact" TEXT NOT NULL,
    "data_hash" TEXT NOT NULL,
    "code_hash" TEXT NOT NULL,
    "seed" INT NOT NULL,
    "plan" TEXT NOT NULL,
    "card" TEXT NOT NULL,
    "skill" REAL,
    "job_id" TEXT NOT NULL,
    "made_by" TEXT NOT NULL,
    CONSTRAINT "uid_model_versi_workspa_5f7248" UNIQUE ("workspace_id", "model", "version"),
    CONSTRAINT "uid_model_versi_job_id_57799a" UNIQUE ("job_id")
) /* A trained model, its files lie on the shelf. */;
CREATE INDEX "model_versions_by_made_at_id" ON "model_versions" ("workspace_id", "made_at", "id");
CREATE TABLE "model_promotions" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "version" INT NOT NULL,
    "before" INT NOT NULL,
    "at" VARCHAR(32) NOT NULL,
    "reason" TEXT NOT NULL,
    "by" TEXT NOT NULL
) /* From a time on a version speaks. */;
CREATE INDEX "model_promotions_by_at_id" ON "model_promotions" ("workspace_id", "at", "id");
CREATE TABLE "model_drifts" (
    "id" TEXT NOT NULL  PRIMARY KEY,
    "workspace_id" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "version" INT NOT NULL,
    "at" VARCHAR(32) NOT NULL,
    "worst" TEXT NOT NULL,
    "share_moved" REAL NOT NULL,
    "skill" REAL,
    "expected" REAL,
    "samples" INT NOT NULL,
    "is_alarming" INT NOT NULL,
    "psi" TEXT NOT NULL
) /* How far the market moved away from what a version learned. */;
CREATE INDEX "model_drifts_by_model_at_id" ON "model_drifts" ("workspace_id", "model", "at", "id");
