const list = (text: string) => text.trim().split(/\s+/);

/** Words that hold sentences together, most frequent first. */
export const GLUE = {
  de: list(`der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er
    hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis
    mehr durch man sein wurde wenn können alle dann unter wir soll ich eines es jetzt seit`),
  en: list(`the of and to in is that for it with as on be at by this not are from or have an which but was can we
    when all has been our will there no if more out so up about than into them only other new some could now after`),
};

/** What help desks write about, most frequent first. */
export const TOPICS = {
  de: list(`Drucker Outlook Anmeldung Passwort Server Netzwerk Fehler Rechner Benutzer Update Laufwerk Zugriff Mail
    Telefon Bildschirm VPN Verbindung Lizenz Datensicherung Postfach Kalender Freigabe Installation Neustart Konto
    Internet Monitor Tastatur Maus Notebook Software Datei Ordner Scanner Toner Papierstau Störung Meldung Anruf
    Firewall Switch Router WLAN Kabel Dockingstation Headset Kamera Besprechung Teams Browser Zertifikat Domäne
    Gruppenrichtlinie Berechtigung Sperre Rücksetzung Mitarbeiter Kollegin Abteilung Standort Lager Buchhaltung
    Rechnung Bestellung Lieferung Gerät Austausch Garantie Wartung Festplatte Speicher Arbeitsspeicher Akku Netzteil
    Absturz langsam defekt kaputt gesperrt abgelaufen fehlt hängt flackert druckt startet funktioniert reagiert
    bitte danke dringend heute morgen gestern wieder erneut prüfen einrichten löschen wiederherstellen freischalten
    umziehen verlängern tauschen melden Grüße Hallo Frau Herr Büro Erdgeschoss Müller Schmidt Schneider Fischer Weber
    Häuser Übertragung Löschung Änderung Größe Schlüssel Öffnungszeiten Geräte Räume Gebäude Straße`),
  en: list(`printer outlook login password server network error computer user update drive access mail phone screen vpn
    connection licence backup mailbox calendar share installation restart account internet monitor keyboard mouse
    laptop software file folder scanner toner paper jam outage message call firewall switch router wireless cable
    docking headset camera meeting teams browser certificate domain policy permission lockout reset employee
    colleague department site warehouse accounting invoice order delivery device replacement warranty maintenance
    disk memory battery adapter crash slow broken locked expired missing hangs flickers prints starts works responds
    please thanks urgent today tomorrow yesterday again check configure delete restore unlock move renew replace
    report regards hello office floor application database query timeout certificate proxy storage cluster node
    spreadsheet attachment signature template profile synchronisation encryption authentication`),
};

/** Parts of made-up words: product names, hosts, compounds. They make the long tail that real texts have. */
export const PARTS = {
  de: list(`netz werk druck dienst daten bank speicher platz kunden auftrag rechnung lager zeit plan wartung
    sicherung fern zugang haupt neben stelle gerät system leitung anlage prüf mess steuer regel schalt kreis strom
    wasser werkzeug maschine halle büro raum stand ort fahr zeug liefer schein angebot vertrag konto buch haltung`),
  en: list(`cloud data base net work store sync point link node port gate way core edge max pro lite plus smart fast
    safe guard view desk soft ware stream flow track mind scan print mail team time plan sheet note book hub grid`),
};

export const FIRST_NAMES =
  list(`Anna Ben Clara David Emma Felix Greta Hannes Ida Jonas Klara Lukas Mia Noah Olivia
  Paul Rosa Simon Tina Uwe Vera Wolfgang Jürgen Günther Björn Käthe René Zoë Sarah James Oliver Grace Henry Lily`);
export const LAST_NAMES =
  list(`Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch
  Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Krause Lehmann
  Köhler Maier Walter Huber Fuchs Vogel Böhm Jung Hahn Günther Keller Smith Jones Taylor Brown Williams Wilson Evans`);
export const COMPANIES =
  list(`Alpen Nord Rhein Isar Elbe Hanse Silber Stein Berg Wald Sonnen Adler Falken Linden Eichen
  Kronen Markt Stadt See Tal Bach Feld Rosen Licht Stern`);
export const TRADES =
  list(`Logistik Maschinenbau Elektrotechnik Praxis Kanzlei Druckerei Bäckerei Spedition Metallbau
  Verlag Apotheke Autohaus Planung Handel Pharma Optik Textil Immobilien Versicherung Energie`);
