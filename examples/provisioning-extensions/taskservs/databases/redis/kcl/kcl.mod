[package]
name = "redis"
edition = "v0.11.0"
version = "7.4.1"
