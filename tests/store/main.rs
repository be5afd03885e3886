//! What is kept in files: the database, and the record files of Asterisk and what they prove.

mod feed;
mod proof;
mod records;
mod replayed_calls;
mod report_centre;
mod report_example;
mod report_recount;
mod report_three_ways;
mod store_backup;
mod store_batches;
mod store_calendar;
mod store_callbacks;
mod store_crafted;
mod store_disk_full;
mod store_identity;
mod store_plans;
mod store_prune;
mod store_reading;
mod store_refusals;
mod store_schema;
mod store_upgrade;
mod store_views;
mod store_writer;
mod store_writing;
mod stored;
mod webhooks;
