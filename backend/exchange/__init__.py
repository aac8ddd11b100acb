"""Hospitals talk to us in the languages they have: HL7 v2 and FHIR R4; everything becomes FHIR resources."""
