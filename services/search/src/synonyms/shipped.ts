import { groupsOf } from '@psa/contracts/synonyms';

/** The list that holds until a tenant sets its own: what German and English service desks call the same thing. */
const LINES = `
drucker = printer
drucken = print
druckertreiber = printer driver
kopierer = copier = photocopier
passwort = kennwort = password = passwd
benutzer = anwender = user
benutzername = username = user name
benutzerkonto = user account
konto gesperrt = account locked
anmelden = anmeldung = einloggen = login = log in = logon = sign in
abmelden = ausloggen = logout = log out = sign out
bildschirm = monitor = display
rechner = computer = pc
laptop = notebook
tastatur = keyboard
maus = mäuse = mouse = mice
kopfhörer = headset = headphones
beamer = projektor = projector
webcam = kamera = camera
dockingstation = docking station
netzteil = ladegerät = charger = power supply
festplatte = harddisk = hard disk = hdd = ssd = disk
arbeitsspeicher = ram = memory
speicherplatz = disk space
usb-stick = speicherstick = flash drive
netzwerk = network = lan
netzwerkkabel = lan-kabel = network cable = patchkabel
wlan = wifi = wi-fi = wireless lan
internet = internetzugang = internet connection
ip-adresse = ip address
einwahl = fernzugriff = remote access
homeoffice = home office
server = fileserver
rechenzentrum = data center = datacenter
datensicherung = sicherung = backup
wiederherstellung = wiederherstellen = restore
datenbank = database
aktualisierung = update
installation = installieren = install
neustart = neu starten = reboot = restart
absturz = abgestürzt = stürzt ab = crash
fehler = error
fehlermeldung = error message
störung = ausfall = outage
kaputt = defekt = broken = defective
langsam = slow
e-mail = email = mail
postfach = mailbox
posteingang = inbox
anhang = attachment
signatur = signature
spam = werbemail = junk mail
kalender = calendar
termin = appointment
besprechung = meeting
besprechungsraum = meeting room
datei = file
ordner = verzeichnis = folder = directory
laufwerk = netzlaufwerk = network drive
freigabe = share
zugriff = access
berechtigung = zugriffsrecht = permission
lizenz = licence = license
zertifikat = certificate
virus = viren = malware = schadsoftware = trojaner = trojan
verschlüsselung = encryption
handy = smartphone = mobiltelefon = mobile phone = cell phone
telefon = phone = telephone
telefonanlage = pbx
anrufbeantworter = voicemail
rechnung = invoice
angebot = quote = quotation
vertrag = contract
wartungsvertrag = maintenance contract
bestellung = order
lieferung = delivery
kündigung = termination
kunde = customer
webseite = website = homepage = web page
browser = internetbrowser
einstellung = setting
bericht = report
schulung = training
urlaub = vacation = holiday
zwei-faktor-anmeldung = zweiter faktor = 2fa = mfa
`;

export const SHIPPED_SYNONYMS: readonly (readonly string[])[] = groupsOf(LINES);
