[package]
name = "network"
edition = "v0.11.0"
version = "0.2.0"
description = "IPv4 networks and addresses that are checked before anything is installed"
