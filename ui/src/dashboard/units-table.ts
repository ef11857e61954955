/**
 * show: the unit ids of Grafana's dashboards and what is written behind (or before) a number. Facts only; units.ts does the writing.
 *
 * One line of the tables is `id=text`. An id that is nowhere here is free text and stands behind the value.
 */

/** The number as it is, and a word. */
const PLAIN = `
humidity=%H|dB=dB|pixel=px|accMS2=m/sec²|accFS2=f/sec²|accG=g|degree=°|radian=rad|grad=grad|arcmin=arcmin|arcsec=arcsec|areaM2=m²|areaF2=ft²|areaMI2=mi²|acres=ac
hectares=ha|ppm=ppm|conppb=ppb|conngm3=ng/m³|conngNm3=ng/Nm³|conμgm3=μg/m³|conμgNm3=μg/Nm³|conmgm3=mg/m³|conmgNm3=mg/Nm³|congm3=g/m³|congNm3=g/Nm³|conmgdL=mg/dL
conmmolL=mmol/L|dBm=dbm|flowgpm=gpm|flowcms=cms|flowcfs=cfs|flowcfm=cfm|litreh=L/h|flowlpm=L/min|flowmlpm=mL/min|lux=lux|masslb=lb|masst=t|lengthcm=cm|lengthin=in
lengthft=ft|lengthmi=mi|pressurehpa=hPa|pressurekpa=kPa|pressurehg="Hg|rotrpm=rpm|rotrads=rad/s|rotdegs=°/s|celsius=°C|fahrenheit=°F|kelvin=K|velocityms=m/s
velocitykmh=km/h|velocitymph=mph|velocityknot=kn|m3=m³|Nm3=Nm³|dm3=dm³|gallons=gal`;

/** With SI prefixes (k, M, m, µ). `id=text,n`: the number is already in steps of 1000 to the power n. */
const SI = `
sishort=|candela=cd|decbytes=B|decbits=b|deckbytes=B,1|decmbytes=B,2|decgbytes=B,3|dectbytes=B,4|decpbytes=B,5|pps=p/s|Bps=B/s|bps=b/s|KBs=B/s,1|Kbits=b/s,1|MBs=B/s,2|Mbits=b/s,2
GBs=B/s,3|Gbits=b/s,3|TBs=B/s,4|Tbits=b/s,4|PBs=B/s,5|Pbits=b/s,5|flops=FLOPS|mflops=FLOPS,2|gflops=FLOPS,3|tflops=FLOPS,4|pflops=FLOPS,5|eflops=FLOPS,6|zflops=FLOPS,7
yflops=FLOPS,8|watt=W|kwatt=W,1|megwatt=W,2|gwatt=W,3|mwatt=W,-1|Wm2=W/m²|voltamp=VA|kvoltamp=VA,1|voltampreact=VAr|kvoltampreact=VAr,1|watth=Wh|watthperkg=Wh/kg
kwatth=Wh,1|kwattm=W-Min,1|mwatth=Wh,2|amph=Ah|kamph=Ah,1|mamph=Ah,-1|joule=J|ev=eV|amp=A|kamp=A,1|mamp=A,-1|volt=V|kvolt=V,1|mvolt=V,-1|mohm=Ω,-1|ohm=Ω|kohm=Ω,1|Mohm=Ω,2
farad=F|µfarad=F,-2|nfarad=F,-3|pfarad=F,-4|ffarad=F,-5|henry=H|mhenry=H,-1|µhenry=H,-2|lumens=Lm|forceNm=Nm|forcekNm=Nm,1|forceN=N|forcekN=N,1|Hs=H/s|KHs=H/s,1|MHs=H/s,2
GHs=H/s,3|THs=H/s,4|PHs=H/s,5|EHs=H/s,6|massmg=g,-1|massg=g|masskg=g,1|lengthmm=m,-1|lengthm=m|lengthkm=m,1|pressurembar=bar,-1|pressurebar=bar|pressurekbar=bar,1
pressurepa=Pa|radbq=Bq|radci=Ci|radgy=Gy|radrad=rad|radsv=Sv|radmsv=Sv,-1|radusv=Sv,-2|radrem=rem|radexpckg=C/kg|radr=R|radsvh=Sv/h|radmsvh=Sv/h,-1|radusvh=Sv/h,-2
rothz=Hz|rotkhz=Hz,1|rotmhz=Hz,2|rotghz=Hz,3|hertz=Hz|mlitre=L,-1|litre=L`;

/** With binary prefixes (Ki, Mi): steps of 1024. */
const BINARY = `
bytes=B|bits=b|kbytes=B,1|mbytes=B,2|gbytes=B,3|tbytes=B,4|pbytes=B,5|binBps=B/s|binbps=b/s|KiBs=B/s,1|Kibits=b/s,1|MiBs=B/s,2|Mibits=b/s,2|GiBs=B/s,3|Gibits=b/s,3
TiBs=B/s,4|Tibits=b/s,4|PiBs=B/s,5|Pibits=b/s,5`;

/** Short numbers (K, Mil as K, M, B, T) and a word. */
const COUNT = `
cps=c/s|ops=ops/s|reqps=req/s|rps=rd/s|wps=wr/s|iops=io/s|eps=evt/s|mps=msg/s|recps=rec/s|rowsps=rows/s|cpm=c/m|opm=ops/m|reqpm=req/m|rpm=rd/m|wpm=wr/m|epm=evts/m|mpm=msgs/m
recpm=rec/m|rowspm=rows/m`;

/** The sign stands before the number; with `,` behind it. */
const CURRENCY = `
currencyUSD=$|currencyGBP=£|currencyEUR=€|currencyJPY=¥|currencyRUB=₽|currencyUAH=₴|currencyBRL=R$|currencyDKK=kr,|currencyISK=kr,|currencyNOK=kr,|currencySEK=kr,|currencyCZK=czk
currencyCHF=CHF|currencyPLN=PLN|currencyBTC=฿|currencymBTC=mBTC|currencyμBTC=μBTC|currencyZAR=R|currencyINR=₹|currencyKRW=₩|currencyIDR=Rp|currencyPHP=PHP|currencyVND=đ,
currencyTRY=₺,|currencyMYR=RM|currencyXPF=XPF|currencyBGN=BGN|currencyPYG=₲|currencyUYU=UYU|currencyILS=₪`;

export type UnitKind =
  | { kind: "plain"; text: string }
  | { kind: "si"; text: string; power: number }
  | { kind: "binary"; text: string; power: number }
  | { kind: "count"; text: string }
  | { kind: "currency"; sign: string; behind: boolean };

export const UNITS: ReadonlyMap<string, UnitKind> = table();

function table(): Map<string, UnitKind> {
  const out = new Map<string, UnitKind>();
  for (const [id, text] of lines(PLAIN)) out.set(id, { kind: "plain", text });
  for (const [id, text, power] of lines(SI)) out.set(id, { kind: "si", text, power: Number(power || 0) });
  for (const [id, text, power] of lines(BINARY)) out.set(id, { kind: "binary", text, power: Number(power || 0) });
  for (const [id, text] of lines(COUNT)) out.set(id, { kind: "count", text });
  for (const [id, sign, behind] of lines(CURRENCY)) out.set(id, { kind: "currency", sign, behind: behind !== undefined });
  return out;
}

function lines(from: string): [string, string, string | undefined][] {
  return from
    .trim()
    .split(/[|\n]/)
    .map((line) => {
      const [id, rest] = [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)];
      const comma = rest.indexOf(",");
      return comma < 0 ? [id, rest, undefined] : [id, rest.slice(0, comma), rest.slice(comma + 1)];
    });
}
