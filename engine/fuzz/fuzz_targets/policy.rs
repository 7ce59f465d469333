#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fhirward_engine_fuzz::policy::holds(text));
