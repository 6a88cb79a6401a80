[package]
name = "upcloud"
edition = "v0.11.0"
version = "1.6.2"
