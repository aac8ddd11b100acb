"""HL7 v2 over MLLP: taking messages in, answering them, turning them into resources, sending our own."""
