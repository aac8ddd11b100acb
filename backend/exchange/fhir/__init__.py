"""The FHIR R4 face at /fhir/R4: what hospitals send in it, and what they may read of the record."""
