#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fhirward_engine_fuzz::threads::holds(text));
