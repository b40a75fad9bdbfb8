/**
 * Tickets of an invented service desk, each with what it is about: the labels that a reader would give it, whatever words
 * it uses. A line: labels; state and days since its last change (`o3` open, `c400` closed); title; text.
 */
const TICKETS = `
printer network broken; o1; Netzwerkdrucker druckt nicht; Seit dem Morgen kommt nichts mehr aus dem Gerät im Flur.
printer broken; o4; Drucker im Lager kaputt; Er zieht das Papier schief ein und bleibt dann stehen.
printer label; o12; Etikettendrucker streikt; Der Zebra am Packtisch zieht kein Band mehr.
printer toner; c20; Tonerwechsel am Laserdrucker; Bitte Schwarz und Magenta nachbestellen.
printer; c30; Drucker druckt Streifen; Helle Linien quer über die Seite.
printer; c250; Drucker offline; War nur der Stecker.
printer; c300; Drucker neu eingerichtet; Warteschlange am Server gelöscht.
printer; c420; Drucker antwortet nicht; Neustart half.
printer driver; c500; Druckertreiberinstallation schlägt fehl; Windows verlangt ein Paket mit Signatur.
printer; o2; Printer on the second floor is offline; Nobody in accounting can print their letters.
printer broken; c15; Broken printer in reception; The paper tray is cracked.
printer; c700; Printer queue stuck; Cleared the spooler.
receipt printer; o6; Bondrucker an Kasse 3; Druckt nur leere Belege.
printer monitor; c60; Neuer Arbeitsplatz mit Drucker und Bildschirm; Für Frau Öztürk ab Montag.
scanner; o3; Scanner legt keine Dateien ab; Scan to Folder meldet Zugang verweigert.
scanner; c90; Handscanner lädt nicht; Die Ladeschale am Tor ist dunkel.
scanner; c200; Barcode scanner beeps twice; It reads every parcel two times.
paper; c40; Papierstau im Kopierer; Fach 2 lässt sich nicht schließen.
password; o1; Kennwort vergessen; Herr Brandt kommt nach dem Urlaub nicht mehr in Windows.
password; o2; Passwort läuft ab; Hinweis erscheint jeden Morgen, obwohl es gestern geändert wurde.
password email; c14; Kennwortänderung für das Postfach; Buchhaltung teilt sich den Zugang.
password; c35; Password reset for new colleague; Please set an initial one for Marta.
password policy; c150; Passwortrichtlinie verschärfen; Zwölf Zeichen, nach drei Fehlversuchen sperren.
password manager; c210; Password manager rollout; Sixty seats in the first wave.
account locked; o1; Benutzerkonto gesperrt; Nach fünf Versuchen geht nichts mehr.
account; c33; Neues Benutzerkonto für Praktikanten; Zugriff auf das Laufwerk Schulung.
account locked; c9; User account locked out; Every day around noon.
account; c120; Konto löschen; Frau Stein hat das Haus verlassen.
login; o2; Anmeldung am Terminalserver dauert Minuten; Schwarzer Schirm, dann geht es.
login; c18; Login to the portal fails; The page just reloads.
login mfa; c70; Zweiter Faktor beim Einloggen fehlt; Neues Mobilteil, alter Code.
email; o1; E-Mail kommt nicht an; Bestellungen eines Lieferanten fehlen seit gestern.
email; o5; Mails hängen im Postausgang; Outlook fragt ständig nach dem Server.
email spam; c22; Spam in der Inbox; Werbung für Uhren.
email signature; c80; E-Mail-Signatur aktualisieren; Neue Anschrift und Logo.
email mailbox full; c45; Postfach voll; Herr Wolf kann nichts mehr senden.
email mailbox; c100; Shared mailbox for support; Three people need to send from it.
email; c330; Mail forwarding loop; Two addresses forward to each other.
vpn; o1; VPN bricht ab; Im Homeoffice alle zehn Minuten.
vpn; c16; VPN connection drops when the laptop sleeps; Happens since the client was renewed.
vpn certificate; c60; Zertifikat für VPN abgelaufen; Einwahl wird verweigert.
certificate; o3; Zertifikat der Webseite läuft ab; Noch neun Tage.
certificate; c110; Certificate warning in browser; Intranet page shows red padlock.
certificate; c480; Zertifikatserneuerung am Mailserver; Alle drei Monate von Hand.
wifi; o2; WLAN im Besprechungsraum langsam; Videokonferenzen ruckeln.
wifi guest; c25; Gäste-WLAN einrichten; Mit Voucher für einen Tag.
wifi; c95; Wifi drops in the warehouse; Forklift terminals lose the connection.
network; o1; Netzwerk im Neubau ausgefallen; Kein Gerät bekommt eine Adresse.
network switch; c31; Netzwerkswitch tauschen; Port 14 bis 20 tot.
network cable; c55; Netzwerkkabel verlegen; Zwei Dosen im Büro 204.
network; c260; Network is slow after lunch; Everybody streams.
firewall; o7; Firewallregel für Kassensystem; Port 8443 nach außen.
firewall; c130; Firewall firmware; Maintenance window on Sunday.
internet outage; o1; Internetausfall in Landshut; Anbieter meldet Störung.
internet; c140; Internet connection upgrade; Fibre is available now.
monitor; o3; Monitor flackert; Nur am Dock, direkt geht er.
monitor; c28; Zweiter Bildschirm bleibt schwarz; Kabel schon getauscht.
monitor; c77; Display shows green tint; The warranty is still running.
monitor arm; c180; Bildschirmhalterung montieren; Für vier Arbeitsplätze.
keyboard; o2; Tastatur klemmt; Die Leertaste bleibt hängen.
keyboard; c44; Keyboard layout switched to English; Umlauts are gone.
mouse; o6; Maus reagiert nicht; Funkempfänger verloren.
mouse; c52; Mouse pointer jumps; On the glass desk.
computer; o1; Rechner startet nicht; Er piept dreimal.
computer; c27; Arbeitsplatzrechner austauschen; Raum 112, Windows 11.
computer; c66; PC fährt alle zwei Stunden herunter; Lüfter läuft laut.
computer; c320; Computer very slow; Only 4 GB of memory.
laptop; o4; Notebook lädt nicht; Netzteil wird heiß.
laptop broken; c19; Laptop screen broken; Fell down the stairs.
laptop; c88; Leihlaptop für Messe; Drei Stück bis Freitag.
docking; c65; Dockingstation erkennt nichts; Firmware war alt.
backup broken; o1; Datensicherung fehlgeschlagen; Band voll, seit zwei Nächten kein Lauf.
backup; c12; Backup läuft zu lange; Bis in den Vormittag hinein.
backup; c75; Backup report missing; Nothing since the first of the month.
backup restore; c105; Rücksicherung eines Ordners; Aus der Sicherung vom Dienstag.
backup; c390; Sicherungsband wechseln; Freitag, Tresor im Keller.
disk; o5; Festplatte fast voll; Laufwerk D hat noch 2 GB.
disk; c85; Festplattenausfall im RAID; Platte 3 blinkt rot.
disk; c240; Disk space alert; Log files again.
server; o1; Server nicht erreichbar; SRV-DC-01 antwortet nicht auf Ping.
server; c37; Serverraum zu warm; 31 Grad am Nachmittag.
server; c111; Domänencontroller neu gestartet; Nach dem Stromausfall.
server; c270; Server room access card; Card of the contractor has expired.
database; c61; Datenbankserver ohne Speicher; Abfragen brechen ab.
update; o3; Windows-Update hängt bei 35 Prozent; Seit einer Stunde.
update; c29; Aktualisierung der Warenwirtschaft; Version 12.4 am Wochenende.
update; c155; Update broke the label template; Rollback please.
crash; o2; Excel stürzt ab; Beim Öffnen der Monatsliste.
crash; c48; Absturz der Lohnbuchhaltung; Beim Abschluss des Monats.
crash; c160; Outlook crashes on start; Safe mode works.
error; c51; Fehlermeldung 0x80070005 in der Zeiterfassung; Beim Buchen der Pause.
access; o2; Kein Zugriff auf das Laufwerk Vertrieb; Meldung: Berechtigung fehlt.
access; c39; Zugriffsrechte für die Revision; Nur lesen, bis Jahresende.
access; c170; Access to the archive share; For the two auditors.
folder; c47; Ordner verschwunden; Projekt Isar, vermutlich verschoben.
folder; c190; Folder permissions reset; Marketing cannot write any more.
file; c58; Datei gesperrt; Von einem Kollegen, der im Urlaub ist.
invoice; o4; Rechnung doppelt verschickt; Nummer RE-2026-0815 ging zweimal hinaus.
invoice; c42; Rechnungsversand hängt; Seit der Umstellung auf XRechnung.
invoice; c115; Invoice layout wrong; The footer covers the sum.
invoice; c310; Eingangsrechnungen scannen; Stapel vom Quartal.
license; o5; Lizenz abgelaufen; CAD startet nur noch als Demo.
license; c73; Lizenzverwaltung aufräumen; Zwölf Pakete zu viel.
license; c220; License count exceeded; Two seats too many.
phone; o1; Telefon klingelt nicht; Apparat in Zimmer 7.
phone; c23; Telefonanlage leitet falsch weiter; Die Zentrale landet im Lager.
phone; c135; Desk phone without dial tone; Reboot did not help.
mobile; o3; Diensthandy verloren; Im Zug nach Passau, bitte sperren.
mobile; c82; Smartphone in die Verwaltung aufnehmen; Zehn Geräte.
mobile; c205; New mobile phone for the driver; Rugged model.
headset; c50; Headset ohne Ton; In Teams bleibt es stumm.
projector; o6; Beamer im Saal zeigt kein Bild; HDMI und Funk probiert.
projector; c145; Projector lamp replacement; 2000 hours are over.
calendar; c34; Kalenderfreigabe klappt nicht; Vertretung sieht nur Frei und Belegt.
calendar; c165; Calendar shows wrong time zone; Two hours late.
meeting; c24; Besprechungsraum doppelt gebucht; Dienstag um neun.
virus; o1; Virenfund auf Arbeitsplatz 17; Quarantäne meldet einen Trojaner.
virus; c98; Malware alert from endpoint; False alarm in a setup file.
phishing email; c21; Phishing mail gemeldet; Angeblich von der Bank.
door; o8; Zutrittskontrollanlage ohne Strom; Die Tür zum Lager steht offen.
camera; c62; Überwachungskamera zeigt kein Bild; Einfahrt Nord.
coffee; c26; Kaffeemaschine im WLAN; Sie will ein Kennzeichen zum Einbuchen.
timesheet; o5; Zeiterfassung rechnet falsch; Pausen werden doppelt abgezogen.
payroll; c41; Lohnbuchhaltung ohne Zugang; Seit dem Umzug auf den neuen Server.
website; o3; Website lädt langsam; Bilder brauchen zehn Sekunden.
website; c122; Webseite zeigt alte Preise; Zwischenspeicher leeren.
onboarding; c17; Eintritt Herr Müller am Montag; Bitte alles vorbereiten.
onboarding; c59; Neue Mitarbeiterin Frau Jäger; Zugänge wie Frau Groß.
offboarding; c68; Austritt Frau Weiß; Zugänge zum Monatsende schließen.
order; o4; Bestellung von zwei Stühlen; Für das Büro am Hafen.
order; c93; Order of spare parts; Belt and rollers.
contract; c84; Wartungsvertrag verlängern; Für die Klimaanlage.
contract; c215; Maintenance contract question; Who pays for the visit?
training; c71; Schulung für Teams; Zwei Gruppen zu zehn Leuten.
slow; o2; Warenwirtschaft langsam; Jede Buchung dauert.
slow; c124; Everything is slow today; Terminal sessions freeze.
power; c36; Stromausfall am Wochenende; Die USV hat zwölf Minuten gehalten.
ups; o9; USV piept; Akku tauschen.
moving; c64; Umzug der Abteilung Einkauf; Sechs Plätze in den dritten Stock.
customernumber; c46; Kundennummer falsch im Brief; Steht im Kopf der Vorlage.
second; c53; Eine Sekunde Verzögerung am Terminal; Bei jeder Eingabe.
route; c57; Strecke in der Tourenplanung fehlt; Nach Regen unterspült.
zh-printer zh-meeting; o1; 会议室的打印机无法打印文件; 从今天早上开始一直显示错误
zh-printer; c40; 打印机缺纸; 二楼的机器需要加纸
zh-password; o3; 用户忘记密码; 请重置密码
zh-network; o2; 办公室网络中断; 所有电脑都不能上网
zh-network; c200; 无线网络很慢; 会议室里面尤其明显
zh-mail; c30; 无法发送电子邮件; 附件太大
zh-update; o5; Windows更新失败 KB5034441; 安装程序停在一半
zh-monitor; c61; 显示器闪烁; 换了线也没有用
zh-backup; o1; 服务器备份失败; 磁盘空间不足
ja-printer; o2; 新しいプリンターが動きません; 三階の会議室です
ja-password; c25; パスワードを忘れました; 再設定をお願いします
ja-network; o4; ネットワークに接続できません; 今朝から全員です
ja-mail; c90; メールが届かない; 取引先からの返信です
ja-pc; c12; ノートパソコンの画面が割れた; 修理をお願いします
ko-printer; o3; 프린터가 작동하지 않습니다; 종이가 걸렸습니다
ko-password; c33; 비밀번호를 변경해야 합니다; 만료되었습니다
ko-network; c70; 네트워크 연결이 느립니다; 오후에만 그렇습니다
th-printer; o6; เครื่องพิมพ์ของเราไม่ทำงาน; กระดาษติด
th-mail; c44; ส่งอีเมลไม่ได้; ขึ้นข้อความผิดพลาด
num-a; o2; Rückruf bitte; Sie erreichen mich unter 0871/96 53-210 bis 17 Uhr.
num-a; c14; Durchwahl geändert; Neu: +49 871 9653210.
num-a num-b; c30; Zwei Nummern; Zentrale 0049 (0)871 9653210, mobil 0171 234 56 78.
num-b; o3; Mobilnummer des Monteurs; +49 171 2345678
num-c; c21; Anruf aus Wien; Tel. +43 1 5123456
num-d; c22; Call from London; Phone +44 20 7946 0018, ask for Claire.
num-e; o4; Faxnummer; Das Fax unter 08761-72100 antwortet nicht.
num-f; c18; Nummer im Titel 089 / 12 34 56 - 0; Bitte auf der Webseite berichtigen.
num-g; c19; Hotline; 0800 330 1000 ist besetzt.
num-h; c11; Notiz zum Gespräch; Büro Dresden: 0351.4976-55
noise-date; c12; Termin am 12.03.2026; Beginn 08:30, Ende 17:00.
noise-date; c13; Frist 2026-03-12; Abgabe bis 31.12.2026.
noise-amount; c14; Angebot über 9.653,21 Euro; Netto 8.112,00, Menge 210.
noise-amount; c15; Betrag 87.196,53; Skonto 210 Euro.
noise-version; c16; Firmware 8.7.19 installiert; Davor 6.53.210.
noise-ip; c17; Adresse 10.96.53.210 doppelt vergeben; Maske 255.255.255.0
noise-ip; c18; Standardgateway 192.168.71.1; Bereich 192.168.71.0/24
key; o3; SRV-FS-02 meldet SMART-Fehler; Seriennummer WX21-A55-7790
key; c20; Auftrag AB-2026-00421; Liefertermin offen
key; c23; IBAN DE89 3704 0044 0532 0130 00 im Mandat; Bitte prüfen.
key; c24; MAC 00:1A:2B:3C:4D:5E sperren; Unbekanntes Gerät.
`;

/** People and companies: labels; name; telephone; e-mail. */
const CONTACTS = `
num-a contact; Sabine Öttl; 0871/96 53-210; s.oettl@brauerei-öttl.example
num-b contact; Jürgen Groß; 0171 2345678; j.gross@gross-logistik.example
num-e contact; Kanzlei Weidinger; 08761/721-00; post@weidinger.example
num-h contact; Éva Kovács; +49 351 497655; eva@dresden.example
num-d contact; Claire O'Neill; 020 7946 0018; claire@london.example
`;

export interface LabelledDocument {
  readonly about: ReadonlySet<string>;
  readonly type: 'ticket' | 'contact';
  readonly title: string;
  readonly text: string;
  readonly phone: string | null;
  readonly email: string | null;
  readonly open: boolean;
  readonly days: number;
}

const rows = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split('; '));

/** What nobody asks for: two hundred more, so that a match is not found by there being nothing else. */
const OTHERS = [
  'Garten',
  'Fuhrpark',
  'Kantine',
  'Reinigung',
  'Empfang',
  'Poststelle',
  'Archiv',
  'Hafen',
].flatMap((place, p) =>
  Array.from({ length: 25 }, (_, i) => [
    'other',
    i % 9 === 0 ? `o${i + 1}` : `c${i * 17 + p}`,
    `${place}: Vorgang ${7 * i + p + 300}`,
    ['Bitte erledigen.', 'Please take care.', 'Wie besprochen.', 'As agreed.', 'Siehe Notiz.'][i % 5]!,
  ]),
);

/** The documents in the order of the file; the place is the number that queries may name. */
export const DOCUMENTS: readonly LabelledDocument[] = [
  ...[...rows(TICKETS), ...OTHERS].map(([about, state, title, text]) => ({
    about: new Set(about!.split(' ')),
    type: 'ticket' as const,
    title: title!,
    text: text!,
    phone: null,
    email: null,
    open: state!.startsWith('o'),
    days: Number(state!.slice(1)),
  })),
  ...rows(CONTACTS).map(([about, title, phone, email]) => ({
    about: new Set(about!.split(' ')),
    type: 'contact' as const,
    title: title!,
    text: '',
    phone: phone!,
    email: email!,
    open: true,
    days: 100,
  })),
];
