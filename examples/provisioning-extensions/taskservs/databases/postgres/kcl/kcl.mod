[package]
name = "postgres"
edition = "v0.11.0"
version = "16.4.0"
