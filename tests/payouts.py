"""Payout accounts and payers for tests: invented people, real check digits."""

KEY = "1f" * 32
HEADER = "party_id,kind,number,holder,bic,routing,account_type,currency,street,post_code,city,country\n"
ACCOUNTS = f"""{HEADER}ana,iban,DE89370400440532013000,Ána Müller & Søn,,,,,Weg 1,10115,Berlin,DE
ben,us_bank,123456789012,Ben Example,,111000025,savings,,1 Road,73301,Austin,US
ben,iban,FR1420041010050500013M02606,Ben Example,,,,,,,,FR
north,iban,SE4550000000058398257466,North Records Example,,,,SEK,,,Stockholm,SE
north,iban,NO9386011117947,North Records Example,DNBANOKK,,,EUR,,,Oslo,NO
songs,bank,0012345678,Songs Example,MIDLGB22,,,,,,London,GB
"""
DEBTOR = """format = "ritornello-debtor-1"
name = "Licensor Verlag GmbH"
identification = "LIC-001"
street = "Allee 7"
post_code = "20095"
city = "Hamburg"
country = "DE"

[[account]]
currency = "EUR"
iban = "DE02120300000000202051"

[[account]]
currency = "SEK"
iban = "DE02500105170137075030"
bic = "INGDDEFFXXX"

[nacha]
routing = "011000015"
bank_name = "First Example Bank"
origin = "1234567890"
company_id = "1234567890"
company_name = "Licensor"

[wise]
currency = "EUR"
"""
