//! scrape > store > promql > rules > router > notify; beside it: models > drift, then [reports]
//!
//! In:    a drift report, profiles, judgements of a model over time.
//! Out:   one self-contained HTML page, or one screen of text.
//! Never: reads a file or a clock, asks another host for anything.
