[package]
name = "aws"
edition = "v0.11.0"
version = "2.4.0"
