//! What words mean to the rules, in the languages that orders to models are written in.
//!
//! A word may have several senses. An entry that ends in `*` stands for all words that begin so. Entries are plain: lower
//! case, without accents.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

pub(super) const IGNORE: u64 = 1;
pub(super) const PRIOR: u64 = 1 << 1;
pub(super) const ORDERS: u64 = 1 << 2;
pub(super) const MODEL: u64 = 1 << 3;
pub(super) const YOU: u64 = 1 << 4;
pub(super) const SEND: u64 = 1 << 5;
pub(super) const TO: u64 = 1 << 6;
pub(super) const CHANGE: u64 = 1 << 7;
pub(super) const READ: u64 = 1 << 8;
pub(super) const SAY: u64 = 1 << 9;
pub(super) const SECRET: u64 = 1 << 10;
pub(super) const USER: u64 = 1 << 11;
pub(super) const TASK: u64 = 1 << 12;
pub(super) const LINK: u64 = 1 << 13;
pub(super) const ADDRESS: u64 = 1 << 14;
pub(super) const NUMBER: u64 = 1 << 15;
pub(super) const URGENT: u64 = 1 << 16;
pub(super) const ANSWER: u64 = 1 << 17;
pub(super) const NOT: u64 = 1 << 18;
pub(super) const ROLE: u64 = 1 << 19;
pub(super) const PLEASE: u64 = 1 << 20;
pub(super) const PRIVATE: u64 = 1 << 21;
pub(super) const FIRST: u64 = 1 << 22;
pub(super) const INSTEAD: u64 = 1 << 23;
pub(super) const WITHOUT: u64 = 1 << 24;
pub(super) const ASK: u64 = 1 << 25;
pub(super) const MY: u64 = 1 << 26;
pub(super) const MONEY: u64 = 1 << 27;
pub(super) const RUN: u64 = 1 << 28;
pub(super) const TOOL: u64 = 1 << 29;
pub(super) const VISIT: u64 = 1 << 30;
pub(super) const MESSAGE: u64 = 1 << 31;
pub(super) const NEW: u64 = 1 << 32;
pub(super) const EVERY: u64 = 1 << 33;
pub(super) const FOLLOW: u64 = 1 << 34;
pub(super) const LETTERS: u64 = 1 << 35;
pub(super) const MUST: u64 = 1 << 36;
pub(super) const MAKE: u64 = 1 << 37;
pub(super) const NOW: u64 = 1 << 38;
pub(super) const PRETEND: u64 = 1 << 39;
pub(super) const RATE: u64 = 1 << 40;
pub(super) const STYLE: u64 = 1 << 41;
pub(super) const BEFORE: u64 = 1 << 42;
pub(super) const LANGUAGE: u64 = 1 << 43;
pub(super) const THIS: u64 = 1 << 44;
pub(super) const WH: u64 = 1 << 45;
pub(super) const REST: u64 = 1 << 46;
pub(super) const IF: u64 = 1 << 47;
pub(super) const ASKED: u64 = 1 << 48;
pub(super) const MACHINE: u64 = 1 << 49;
pub(super) const TODO: u64 = 1 << 50;
pub(super) const WITH: u64 = 1 << 51;
pub(super) const JUDGE: u64 = 1 << 52;
pub(super) const ATTACK: u64 = 1 << 53;
pub(super) const REPLY: u64 = 1 << 54;

const WORDS: &[(u64, &str)] = &[
    (
        IGNORE,
        "ignore ignoring disregard disregarding forget override overrides bypass neglect discard drop skip ignoriere ignorieren ignoriert vergiss vergessen missachte ignorez oublie oubliez ignorer ignora ignorar ignoren olvida olvide olvidar dimentica dimenticare ignori esqueca esquece desconsidere negeer vergeet zignoruj zapomnij yoksay unut abaikan lupakan ignorera glom игнорируй игнорируйте забудь забудьте проигнорируй ігноруй تجاهل انس",
    ),
    (
        PRIOR,
        "previous prior above earlier preceding foregoing former past existing original initial vorherige* vorige* bisherige* obige* fruhere* precedent* anterior* previa* previo* precedenti voorgaande eerdere poprzedni* wczesniejsz* onceki sebelumnya tidigare предыдущие предыдущих предыдущую прошлые السابقة السابق",
    ),
    (
        ORDERS,
        "instruct* iunstruct* instuct* directive* prompt prompts guideline* rule rules command commands order orders restrictions constraints policies anweisung* instruktion* vorgabe* befehl* regeln consigne* directives instruccion* ordenes reglas indicaciones istruzion* regole instrucoes regras ordens instructies opdrachten regels instrukcj* polecen* talimat* instruksi perintah инструкци* указани* правила команды التعليمات تعليمات الأوامر",
    ),
    (
        MODEL,
        "ai assistant assistants chatbot llm llms gpt chatgpt claude gemini copilot bot agent agents model ki assistent assistente asistente ia modele modell modelo modello asystent* yapay ии ассистент помощник модель المساعد нейросеть",
    ),
    (
        YOU,
        "you your yours yourself u ya du dein deine sie ihr ihre tu vous votre vos usted tus jij jouw ты вы вам ваши твои",
    ),
    (
        SEND,
        "send email e-mail mail forward transmit share submit deliver exfiltrate leak upload post publish dm append attach report sende senden schicke schicken weiterleiten envoie envoyez envoyer transmets envia enviar envie manda mandar reenvia invia inviare inoltra encaminhe stuur verstuur wyslij przeslij gonder kirim skicka отправь отправьте пришли перешли أرسل ارسل",
    ),
    (TO, "to an a at towards nach zu al per via into"),
    (
        CHANGE,
        "delete remove erase wipe drop change update modify replace reset disable enable edit rename cancel unsubscribe revoke grant losche loschen andere supprime supprimez effacer modifie elimina borra cambia modifica cancella apague exclua altere verwijder usun zmien sil удали удалите измени احذف",
    ),
    (
        READ,
        "get find retrieve fetch read look search list collect gather extract obtain access check lookup concatenate copy scan",
    ),
    (
        SAY,
        "say tell respond reply answer output print display show reveal repeat write mention include insert add state explain describe summarize summarise translate recommend suggest provide give create generate compose list use integrate incorporate offer highlight emphasize embed advise end begin start conclude finish antworte schreibe sage gib reponds ecris dis affiche responde escribe di muestra rispondi scrivi mostra escreva diga ответь напиши скажи",
    ),
    (
        SECRET,
        "password passwords passcode credential* token tokens secret secrets key keys apikey cookies ssh env 2fa otp passport pin kennwort passwort contrasena mot passe senha wachtwoord haslo пароль كلمة",
    ),
    (
        USER,
        "user users customer client human benutzer nutzer utilisateur usuario utente gebruiker uzytkownik пользовател*",
    ),
    (
        TASK,
        "task tasks query request question job assignment aufgabe anfrage tache demande tarea pregunta compito domanda tarefa pergunta taak zadanie задач* вопрос",
    ),
    (
        URGENT,
        "important importante urgent urgently immediately attention critical warning alert asap mandatory crucial essential wichtig dringend sofort urgente inmediatamente subito belangrijk wazne pilne onemli penting важно срочно",
    ),
    (
        ANSWER,
        "response responses answer answers reply replies output summary analysis result results review evaluation antwort reponse respuesta risposta resposta antwoord odpowiedz ответ",
    ),
    (
        NOT,
        "not don't dont never no cannot can't nicht nie kein ne pas jamais nunca non mai nao niet nooit не никогда لا",
    ),
    (
        ROLE,
        "system developer admin administrator root superuser operator jailbreak unrestricted uncensored dan systeem sistema systeme",
    ),
    (PLEASE, "please kindly pls bitte plaît plait favor favore prego alstublieft prosze lutfen tolong пожалуйста"),
    (
        PRIVATE,
        "private confidential sensitive personal inbox emails messages files history balance transactions account accounts contacts address addresses calendar database conversation iban bank card credit phone ssn data information details contents unread",
    ),
    (FIRST, "first firstly beginning start zuerst d'abord primero prima"),
    (
        INSTEAD,
        "instead rather only solely exclusively exactly stattdessen plutot lugar invece vez plaats zamiast вместо",
    ),
    (WITHOUT, "without ohne sans sin senza sem zonder bez без"),
    (
        ASK,
        "ask asking notify notifying inform informing confirm confirming confirmation permission mention mentioning telling tell alert verify approval",
    ),
    (MY, "my me mine i mein meine mich mir mon ma mes moi mi mis mio мой мне"),
    (
        MONEY,
        "transfer transaction transactions wire pay payment money send refund deposit bitcoin wallet rent donate purchase buy überweise uberweise virement transfiere",
    ),
    (
        RUN,
        "run execute call invoke perform trigger launch install download curl wget bash eval sudo fuhre starte execute* ejecuta esegui voer uruchom выполни نفذ",
    ),
    (
        TOOL,
        "tool tools function functions command script shell terminal plugin api endpoint werkzeug outil herramienta strumento",
    ),
    (
        VISIT,
        "visit click open go navigate browse follow follow-up besuche klicke offne visitez cliquez visita haz clicca перейди",
    ),
    (MESSAGE, "message messages note notice email mail channel post nachricht mensaje messaggio"),
    (
        NEW,
        "new following next below neue neuen folgende* nouvelle* nouveau suivant* nueva* nuevas siguiente* nuove seguenti novas nieuwe nowe yeni baru новые следующ* التالية الجديدة",
    ),
    (
        EVERY,
        "all any every each everything anything entire whole complete alle alles toutes tous tout todas todos todo tutte tutti tutto alla wszystkie tum semua все всех جميع كل",
    ),
    (
        FOLLOW,
        "follow obey comply adhere strictly do execute act proceed befolge folge suivez suis sigue segui siga volg выполняй следуй اتبع",
    ),
    (
        LETTERS,
        "letters vowels words word sentence sentences characters letter text paragraph capital lowercase uppercase alphabet anagram reverse backwards",
    ),
    (MUST, "must should shall need have required ought"),
    (MAKE, "make book reserve create schedule invite add order buy reservation appointment event"),
    (NOW, "now then today henceforth onwards hereafter"),
    (
        PRETEND,
        "pretend act roleplay role-play simulate imagine assume behave become play game persona character stell joue finge actua fingi притворись",
    ),
    (
        RATE,
        "rate rating score evaluate candidate exceptional match qualified highly hire recommended best perfect positive favorable approve",
    ),
    (
        STYLE,
        "style tone manner emoji emojis pirate poem rhyme sarcastic sarcasm base64 morse rot13 caesar binary hex encode encoded code json format",
    ),
    (BEFORE, "before after once when while until prior"),
    (
        LANGUAGE,
        "english french german spanish italian russian chinese japanese korean arabic portuguese latin language klingon",
    ),
    (THIS, "this these that those it"),
    (REST, "rest remainder remaining data document text content page file email information"),
    (IF, "if when whenever should wenn falls si se als jesli если"),
    (ASKED, "asked questioned queried prompted requested gefragt demande preguntan"),
    (
        MACHINE,
        "automated automatic software screening readers screeners parsers summarizer summariser summarizers classifier",
    ),
    (TODO, "todo task reminder action step"),
    (WITH, "with that as mit avec con com only"),
    (JUDGE, "evaluate review analyze analyse assess judge continue summarize summarise process"),
    (
        ATTACK,
        "injection injections jailbreak jailbreaks attack attacks attacker attackers detect detects detection detector scanner scan malicious adversarial payload payloads exploit exploits threat threats guardrail severity vulnerability poisoning exfiltration smuggling",
    ),
    (REPLY, "reply respond answer antworte antworten repondez reponds responde responda rispondi answer"),
    (WH, "what who where when why how which whose is are was were does did can could would will"),
];

#[derive(Default)]
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

type Senses = HashMap<&'static str, u64, BuildHasherDefault<Fnv>>;

static VOCABULARY: LazyLock<(Senses, Senses)> = LazyLock::new(|| {
    let (mut whole, mut stems) = (Senses::default(), Senses::default());
    for (sense, words) in WORDS {
        for word in words.split(' ') {
            match word.strip_suffix('*') {
                Some(stem) => *stems.entry(stem).or_default() |= sense,
                None => *whole.entry(word).or_default() |= sense,
            }
        }
    }
    (whole, stems)
});

/// What a plain word means.
pub(super) fn sense(word: &str) -> u64 {
    const STEM_BYTES_MIN: usize = 5;
    let (whole, stems) = &*VOCABULARY;
    let mut sense = whole.get(word).copied().unwrap_or_default();
    if word.len() >= STEM_BYTES_MIN {
        for end in STEM_BYTES_MIN..=word.len().min(18) {
            if word.is_char_boundary(end)
                && let Some(more) = stems.get(&word[..end])
            {
                sense |= more;
            }
        }
    }
    sense
}
