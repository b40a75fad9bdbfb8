/**
 * What people type, and what they mean by it: kind; text; labels of the documents that they want (all of a group, any of
 * the groups between `|`), or what a reader would look for in them, between slashes.
 */
const QUERIES = `
german; Drucker im Lager; /Drucker im Lager/
german; kennwort vergessen; /Kennwort vergessen/
german; Monitor flackert; /Monitor flackert/
german; tastaturen; keyboard
german; Mäuse; mouse
german; Rechnungen; /rechnung(en)?\\b|Rechnungs|invoice/i
german; Stromausfälle; /Stromausfall/
german; gesperrte Konten; /konto gesperrt|account locked/i
german; Benutzerkonten; /Benutzerkonto|user account/i
german; Zertifikate abgelaufen; /Zertifikat für VPN abgelaufen/
german; Datensicherung fehlgeschlagen; /Datensicherung fehl/
german; festplatte voll; /Festplatte fast voll/
german; Lizenz abgelaufen; /Lizenz abgelaufen/
german; Frau Öztürk; /Öztürk/
german; frau oeztuerk; /Öztürk/
german; Oezturk; /Öztürk/
german; jaeger; /Jäger/
german; strasse; /straße/
german; gross; /Groß|gross/
german; weiss; /Weiß/
german; bestellungen; order|/Bestellungen/
german; Beamer kein Bild; /Beamer im Saal/
german; Windows-Update; /Windows-Update/
german; WLAN Besprechungsraum; /WLAN im Besprechungsraum/
german; Rückruf; /Rückruf/
german; Schulungen; /Schulung/
german; Wartungsvertrag; /Wartungsvertrag|Maintenance contract/i
german; Trojaner; /Trojaner/
german; Kaffeemaschine; coffee
german; "zweiter bildschirm"; /Zweiter Bildschirm/
german; Teams stumm; headset
english; printer offline; /Printer on the second floor|Drucker offline/
english; password reset; /Password reset/
english; broken screen; laptop broken
english; locked accounts; /account locked|konto gesperrt/i
english; crashes; crash
english; warehouse wifi; /Wifi drops/
english; connections; /connection|Verbind/i
english; invoices; /invoice|rechnung(en)?\\b|Rechnungs/i
english; license count; /License count/
english; dial tone; /dial tone/
english; calendar time zone; /Calendar shows/
english; firewall firmware; /Firewall firmware/
english; shared mailbox; /Shared mailbox/
english; forwarding loop; /forwarding loop/
english; spooler; /spooler/
english; paper tray; /paper tray/
english; auditors archive; /archive share/
english; phishing; phishing
english; spare parts; /spare parts/
english; rollback; /Rollback/
english; laptop sleeps; /laptop sleeps/
english; "safe mode"; /Safe mode/
english; scanners; /scanner/i
english; keyboard layout; /Keyboard layout/
cjk; 打印机; zh-printer
cjk; 会议室; zh-meeting|/会议室/
cjk; 密码; zh-password
cjk; 重置密码; zh-password
cjk; 网络; zh-network
cjk; 无法; /无法/
cjk; 更新失败; zh-update
cjk; 显示器; zh-monitor
cjk; 备份; zh-backup
cjk; 电子邮件; zh-mail
cjk; 打印机 缺纸; /打印机缺纸/
cjk; 二楼; /二楼/
cjk; プリンター; ja-printer
cjk; ﾌﾟﾘﾝﾀｰ; ja-printer
cjk; パスワード; ja-password
cjk; ネットワーク; ja-network
cjk; メール; ja-mail
cjk; 会議室; ja-printer
cjk; 画面; ja-pc
cjk; 프린터; ko-printer
cjk; 비밀번호; ko-password
cjk; 네트워크; ko-network
cjk; เครื่องพิมพ์; th-printer
cjk; อีเมล; th-mail
cjk; 扫描仪; /zzz/
phone; 08719653210; num-a
phone; 0871 9653210; num-a
phone; 0871/9653210; num-a
phone; +49 871 9653210; num-a
phone; +498719653210; num-a
phone; 0049 871 9653210; num-a
phone; +49 (0)871 / 96 53 210; num-a
phone; 0871 96 53-210; num-a
phone; 9653210; num-a
phone; 96 53-210; num-a
phone; 0171 2345678; num-b
phone; 01712345678; num-b
phone; +49 171 234 56 78; num-b
phone; 2345678; num-b
phone; 0043 1 5123456; num-c
phone; +4315123456; num-c
phone; 020 7946 0018; num-d
phone; +442079460018; num-d
phone; 0876172100; num-e
phone; 08761 721 00; num-e
phone; 089 1234560; num-f
phone; 0800 3301000; num-g
phone; 0351 497655; num-h
phone; 653210; num-a
phone; 08719653211; /zzz/
compound; drucker; /drucker|printer/i
compound; netzwerk; /netzwerk|network/i
compound; konto; /(?<!s)konto|\\baccount\\b/i
compound; kabel; /kabel|cable/i
compound; treiber; /treiber/i
compound; versand; /versand/i
compound; rechnung; /rechnung|invoice/i
compound; server; /server/i
compound; controller; /controller/i
compound; bildschirm; /bildschirm|monitor|display/i
compound; halterung; /halterung/i
compound; raum; /raum\\b|room/i
compound; ausfall; /ausfall|ausgefallen/i
compound; regel; /regel\\b/i
compound; richtlinie; /richtlinie/i
compound; freigabe; /freigabe|\\bshare\\b/i
compound; anlage; /anlage/i
compound; kamera; /kamera|camera/i
compound; maschine; /maschine/i
compound; erfassung; /erfassung/i
compound; buchhaltung; /buchhaltung/i
compound; handy; mobile
compound; scanner; /scanner/i
compound; signatur; /signatur/i
compound; erneuerung; /erneuerung/i
compound; band; /\\bband\\b|band wechseln/i
compound; vertrag; /vertrag|contract\\b/i
compound; fund; /virenfund/i
compound; kunde; /Kundennummer/
compound; ecke; /zzz/
synonym; printer; /drucker|printer/i
synonym; kennwort; password
synonym; passwort; password
synonym; password; password
synonym; monitor; /monitor|bildschirm|display/i
synonym; tastatur; keyboard
synonym; keyboard; keyboard
synonym; maus; mouse
synonym; laptop; laptop|/laptop|notebook/i
synonym; notebook; laptop|/laptop|notebook/i
synonym; smartphone; mobile
synonym; rechner kaputt; /zzz/
synonym; wifi; /wifi|WLAN/i
synonym; wlan; /wifi|WLAN/i
synonym; backup; /backup|sicherung/i
synonym; sicherung; /sicherung|backup/i
synonym; invoice; /rechnung(en)?\\b|Rechnungs|invoice/i
synonym; lizenz; license
synonym; licence; license
synonym; certificate; certificate
synonym; projektor; projector
synonym; virus; virus
synonym; webseite; /webseite|website/i
synonym; defekter drucker; printer broken
synonym; mobile phone; mobile
typo; Drukcer Lager; /Drucker im Lager/
typo; Netzwerkdruker; /Netzwerkdrucker/
typo; Pasword; password
typo; Zertifkat; certificate
typo; Kalenderfreigbae; /Kalenderfreigabe/
typo; Tastaur; keyboard
typo; Virenfnd; /Virenfund/
typo; forwading; /forwarding/
typo; firewal; firewall
typo; conection; /connection/i
typo; Etikettendruker; printer label
typo; Kaffemaschine; coffee
typo; Zeiterfasung; /Zeiterfassung/
typo; Überwachungskmera; camera
typo; Festplate; disk
typo; Aktualisirung; /aktualisier|update/i
typo; spoler; /spooler/
typo; Bondruker; receipt
typo; maintenence; /maintenance/i
typo; phisihng; phishing
two; kaputte Drukker; printer broken
two; Drucker Lagre; /Drucker im Lager/
two; Montior flackert; /Monitor flackert/
two; vpn abglaufen; /Zertifikat für VPN abgelaufen/
two; Pasword reset; /Password reset/
two; Excel stürtz; /Excel stürzt/
two; Server nicht ereichbar; /Server nicht erreichbar/
two; Rechnung dopelt; /Rechnung doppelt/
two; printer ofline; /Printer on the second floor|Drucker offline/
two; Besprechungsraum langasm; /WLAN im Besprechungsraum/
first; drucker; printer
first; printer; printer
first; server; server
first; netzwerk; network
first; email; email
first; backup; backup
first; passwort; password
first; wifi; wifi
first; invoice; invoice
first; telefon; phone
`;

/** `first`: what is looked at is the order. The others: what is found. */
export type QueryKind =
  | 'german'
  | 'english'
  | 'cjk'
  | 'phone'
  | 'compound'
  | 'synonym'
  | 'typo'
  | 'two'
  | 'first';

export interface LabelledQuery {
  readonly kind: QueryKind;
  readonly text: string;
  readonly wanted: string;
}

export const LABELLED_QUERIES: readonly LabelledQuery[] = QUERIES.trim()
  .split('\n')
  .map((line) => {
    const [kind, text, wanted] = line.split('; ');
    return { kind: kind as QueryKind, text: text!, wanted: wanted! };
  });
