"""The words of the sentences that are translated, in English, German, French and Spanish, in three tiers of difficulty.

One row a meaning, one column a language; a nominative article is not written, since gender decides it. German nouns and
French and Spanish ones come with their gender (m, f, n), adjectives in the plural that stands after a number.
"""

from __future__ import annotations

import dataclasses

COLUMNS = ("en", "de", "fr", "es")
TIERS = 3


@dataclasses.dataclass(frozen=True)
class Word:
    """One meaning.

    Attributes:
      tier: 0 (everyday) to 2 (administration and science).
      forms: by language the forms of its part of speech, as the tables below give them.
    """

    tier: int
    forms: dict[str, tuple[str, ...]]


def _rows(*tiers: str) -> dict[str, Word]:
    """Words by their English name, from tables of `|` between languages and `,` between forms."""
    found = {}
    for tier, table in enumerate(tiers):
        for line in filter(None, map(str.strip, table.split("\n"))):
            cells = [tuple(form.strip() for form in cell.split(",")) for cell in line.split("|")]
            found[cells[0][0]] = Word(tier, dict(zip(COLUMNS, cells, strict=True)))
    return found


# Who acts: en noun | de gender, noun | fr gender, noun | es gender, noun.
AGENTS = _rows(
    """
    school | f, Schule | f, école | f, escuela
    shop | m, Laden | m, magasin | f, tienda
    family | f, Familie | f, famille | f, familia
    farmer | m, Bauer | m, fermier | m, granjero
    teacher | m, Lehrer | m, professeur | m, profesor
    woman | f, Frau | f, femme | f, mujer
    man | m, Mann | m, homme | m, hombre
    hotel | n, Hotel | m, hôtel | m, hotel
    child | n, Kind | m, enfant | m, niño
    king | m, König | m, roi | m, rey
    bakery | f, Bäckerei | f, boulangerie | f, panadería
    """,
    """
    library | f, Bibliothek | f, bibliothèque | f, biblioteca
    museum | n, Museum | m, musée | m, museo
    hospital | n, Krankenhaus | m, hôpital | m, hospital
    company | f, Firma | f, entreprise | f, empresa
    club | m, Verein | f, association | f, asociación
    theatre | n, Theater | m, théâtre | m, teatro
    newspaper | f, Zeitung | m, journal | m, periódico
    factory | f, Fabrik | f, usine | f, fábrica
    photographer | m, Fotograf | m, photographe | m, fotógrafo
    """,
    """
    university | f, Universität | f, université | f, universidad
    ministry | n, Ministerium | m, ministère | m, ministerio
    government | f, Regierung | m, gouvernement | m, gobierno
    administration | f, Verwaltung | f, administration | f, administración
    parliament | n, Parlament | m, parlement | m, parlamento
    institute | n, Institut | m, institut | m, instituto
    commission | f, Kommission | f, commission | f, comisión
    organisation | f, Organisation | f, organisation | f, organización
    laboratory | n, Labor | m, laboratoire | m, laboratorio
    committee | m, Ausschuss | m, comité | m, comité
    """,
)
# What is done: present and past of en and es; present and participle of de and fr, all with haben and avoir.
VERBS = _rows(
    """
    buys, bought | kauft, gekauft | achète, acheté | compra, compró
    sells, sold | verkauft, verkauft | vend, vendu | vende, vendió
    sees, saw | sieht, gesehen | voit, vu | ve, vio
    counts, counted | zählt, gezählt | compte, compté | cuenta, contó
    finds, found | findet, gefunden | trouve, trouvé | encuentra, encontró
    brings, brought | bringt, gebracht | apporte, apporté | trae, trajo
    loses, lost | verliert, verloren | perd, perdu | pierde, perdió
    """,
    """
    orders, ordered | bestellt, bestellt | commande, commandé | encarga, encargó
    presents, presented | zeigt, gezeigt | présente, présenté | presenta, presentó
    repairs, repaired | repariert, repariert | répare, réparé | repara, reparó
    sends, sent | schickt, geschickt | envoie, envoyé | envía, envió
    receives, received | erhält, erhalten | reçoit, reçu | recibe, recibió
    """,
    """
    publishes, published | veröffentlicht, veröffentlicht | publie, publié | publica, publicó
    examines, examined | untersucht, untersucht | examine, examiné | examina, examinó
    approves, approved | genehmigt, genehmigt | approuve, approuvé | aprueba, aprobó
    finances, financed | finanziert, finanziert | finance, financé | financia, financió
    registers, registered | registriert, registriert | enregistre, enregistré | registra, registró
    evaluates, evaluated | bewertet, bewertet | évalue, évalué | evalúa, evaluó
    """,
)
# What is counted, in the plural: en | de | fr gender, noun | es gender, noun.
OBJECTS = _rows(
    """
    books | Bücher | m, livres | m, libros
    chairs | Stühle | f, chaises | f, sillas
    tables | Tische | f, tables | f, mesas
    letters | Briefe | f, lettres | f, cartas
    lamps | Lampen | f, lampes | f, lámparas
    cars | Autos | f, voitures | m, coches
    houses | Häuser | f, maisons | f, casas
    bottles | Flaschen | f, bouteilles | f, botellas
    flowers | Blumen | f, fleurs | f, flores
    horses | Pferde | m, chevaux | m, caballos
    shirts | Hemden | f, chemises | f, camisas
    keys | Schlüssel | f, clés | f, llaves
    """,
    """
    photographs | Fotos | f, photos | f, fotos
    tickets | Karten | m, billets | f, entradas
    computers | Computer | m, ordinateurs | m, ordenadores
    bicycles | Fahrräder | m, vélos | f, bicicletas
    instruments | Instrumente | m, instruments | m, instrumentos
    windows | Fenster | f, fenêtres | f, ventanas
    packages | Pakete | m, paquets | m, paquetes
    paintings | Gemälde | m, tableaux | m, cuadros
    machines | Maschinen | f, machines | f, máquinas
    """,
    """
    applications | Anträge | f, demandes | f, solicitudes
    publications | Publikationen | f, publications | f, publicaciones
    regulations | Verordnungen | m, règlements | m, reglamentos
    investigations | Untersuchungen | f, enquêtes | f, investigaciones
    recommendations | Empfehlungen | f, recommandations | f, recomendaciones
    documents | Dokumente | m, documents | m, documentos
    projects | Projekte | m, projets | m, proyectos
    contracts | Verträge | m, contrats | m, contratos
    measurements | Messungen | f, mesures | f, mediciones
    universities | Universitäten | f, universités | f, universidades
    laboratories | Labore | m, laboratoires | m, laboratorios
    """,
)
# Of several things: en | de | fr before or after, masculine, feminine | es masculine, feminine.
ADJECTIVES = _rows(
    """
    new | neue | before, nouveaux, nouvelles | nuevos, nuevas
    old | alte | before, vieux, vieilles | viejos, viejas
    small | kleine | before, petits, petites | pequeños, pequeñas
    large | große | before, grands, grandes | grandes, grandes
    red | rote | after, rouges, rouges | rojos, rojas
    blue | blaue | after, bleus, bleues | azules, azules
    beautiful | schöne | before, beaux, belles | hermosos, hermosas
    """,
    """
    expensive | teure | after, chers, chères | caros, caras
    heavy | schwere | after, lourds, lourdes | pesados, pesadas
    modern | moderne | after, modernes, modernes | modernos, modernas
    different | verschiedene | after, différents, différentes | diferentes, diferentes
    """,
    """
    international | internationale | after, internationaux, internationales | internacionales, internacionales
    important | wichtige | after, importants, importantes | importantes, importantes
    additional | zusätzliche | after, supplémentaires, supplémentaires | adicionales, adicionales
    scientific | wissenschaftliche | after, scientifiques, scientifiques | científicos, científicas
    confidential | vertrauliche | after, confidentiels, confidentielles | confidenciales, confidenciales
    detailed | ausführliche | after, détaillés, détaillées | detallados, detalladas
    """,
)
# Where: a phrase in each language.
PLACES = _rows(
    """
    in the city | in der Stadt | dans la ville | en la ciudad
    at the market | auf dem Markt | au marché | en el mercado
    in the village | im Dorf | dans le village | en el pueblo
    in the park | im Park | dans le parc | en el parque
    in the garden | im Garten | dans le jardin | en el jardín
    """,
    """
    at the station | am Bahnhof | à la gare | en la estación
    in the harbour | im Hafen | dans le port | en el puerto
    in the region | in der Region | dans la région | en la región
    in the valley | im Tal | dans la vallée | en el valle
    """,
    """
    in the capital | in der Hauptstadt | dans la capitale | en la capital
    in the country | im Land | dans le pays | en el país
    in the province | in der Provinz | dans la province | en la provincia
    abroad | im Ausland | à l'étranger | en el extranjero
    """,
)
# What joins two clauses; German puts the verb at the end after the last two.
LINKS = {
    "and": {"en": " and ", "de": " und ", "fr": " et ", "es": " y "},
    "but": {"en": ", but ", "de": ", aber ", "fr": ", mais ", "es": ", pero "},
    "because": {"en": " because ", "de": ", weil ", "fr": " parce que ", "es": " porque "},
    "while": {"en": " while ", "de": ", während ", "fr": " pendant que ", "es": " mientras "},
}
SUBORDINATE = ("because", "while")
