//! Models on this machine: conversion, refusals, selection and verification.

mod calibration;
mod conversion;
mod refusal;
mod selection;
mod setup;
mod verification;

pub(crate) use setup::{
    assert_matches_pytorch, convert, copy_fixture, copy_folder, installed_entries, rewrite_weights,
    utf8,
};
