//! scrape > store > promql > rules > router > notify; beside it: files > [tables] > models > drift
//!
//! In:    Parquet, CSV or JSON lines, compressed or not, as bytes or as something that can be read and sought.
//! Out:   typed columns (`drift::Column`); and the other way, columns to Parquet.
//! Never: opens a file or a socket by itself, knows a model.
